"""Scores, through the libraries' C APIs: their Python packages take too long to import."""
