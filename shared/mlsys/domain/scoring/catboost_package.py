"""CatBoost's package, imported without the tables of others, which nothing here passes to it.

Its wheel has no C API. Its compiled half imports pandas, whether or not it is there, and SciPy,
only to tell their tables from other things; SciPy alone takes four fifths of the import.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Name(type):
    """A name of a module that is not loaded: nothing is of its kind until somebody loads it."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, getattr(sys.modules.get(cls.__module__), cls.__name__, ()))

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        return getattr(import_module(cls.__module__), cls.__name__)(*arguments, **named)


class _StandIn(ModuleType):
    """Stands where a module would be while CatBoost is imported, and knows any name."""

    def __getattr__(self, name: str) -> Any:
        return _Name(name, (), {"__module__": self.__name__})


@contextmanager
def _stood_in() -> Iterator[None]:
    absent = [] if find_spec("pandas") else ["pandas"]
    late = [] if "scipy" in sys.modules else ["scipy", "scipy.sparse"]
    for name in (*absent, *late):
        sys.modules[name] = _StandIn(name)
    if late:
        vars(sys.modules["scipy"])["sparse"] = sys.modules["scipy.sparse"]
    try:
        yield
    finally:
        for name in (*absent, *late):
            del sys.modules[name]


with _stood_in():
    # It ships no types.
    from catboost import (  # type: ignore[import-untyped]
        CatBoost,
        CatBoostError,
        FeaturesData,
        Pool,
    )

__all__ = ["CatBoost", "CatBoostError", "FeaturesData", "Pool"]
