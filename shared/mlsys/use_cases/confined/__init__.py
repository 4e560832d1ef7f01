"""A child process with limits, and the streams between it and the object store.

Begin at processes.py on the parent's side, and at streams.py on the child's.
"""
