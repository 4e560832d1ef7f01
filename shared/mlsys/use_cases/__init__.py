"""One file per thing the platform does, on ports and the domain alone; rooms hold how.

Behind split.py are splitting/, reading/ and confined/; behind study.py leading/, searching/,
trials/ and training/; behind predict.py and importance.py serving/.
"""
