"""Serverless, event-driven tabular machine learning on Google Cloud, and the same on a laptop."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the client when it is first asked for, so that `import mlsys` imports nothing.

    The one exception to "an `__init__` holds a docstring and a version"; `__init__.pyi` tells
    type checkers and editors what is to be had.
    """
    if name != "Client":
        raise AttributeError(f"module 'mlsys' has no attribute {name!r}")
    from importlib import import_module

    return import_module("mlsys.sdk.client").Client
