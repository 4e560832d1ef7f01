"""The trials of a study: Optuna's storage over the Records port, and the worker that runs them.

Begin at storage.py, what Optuna calls, and at work.py, the worker's loop.
"""
