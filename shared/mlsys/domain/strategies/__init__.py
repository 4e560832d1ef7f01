"""How rows come to their parts: one module per strategy, and what several of them share."""
