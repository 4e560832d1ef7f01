"""The types of a table's columns, told from text block by block, losing nothing."""
