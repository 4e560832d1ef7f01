"""Which trials a study tries: samplers, pruners, and how many run at once.

Begin at search.py, the search of one task.
"""
