"""How a table becomes three files: who may work on it, the child that does, what is left behind.

Begin at ../split.py, which calls the rest; divide.py is the part that touches rows.
"""
