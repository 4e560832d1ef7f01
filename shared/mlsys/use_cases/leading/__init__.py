"""Who leads a study, and how it ends: leases, limits, cancels, the last count.

Begin at lead.py; settling.py is the end of a search.
"""
