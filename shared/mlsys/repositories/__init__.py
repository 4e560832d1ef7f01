"""Typed records over the Records port: what is stored is what its model says."""
