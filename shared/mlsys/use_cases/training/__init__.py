"""What a study trains on, what one trial does, and what becomes of the winner.

Begin at objective.py, one trial; then verdict.py and registering.py, the winner.
"""
