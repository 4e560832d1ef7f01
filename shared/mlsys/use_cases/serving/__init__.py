"""The models that a process serves: which one is meant, loaded once and followed.

Begin at loaded_models.py, which predict.py and importance.py beside this room ask.
"""
