"""What the parts of a split look like, and what leaks between them, seen block by block."""
