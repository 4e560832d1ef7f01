"""The rules of a data contract, each held against one block of a table after the other."""
