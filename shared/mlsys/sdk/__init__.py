"""The Python client; `from mlsys import Client`."""
