"""Makes a process start sooner; what starts it imports everything else inside."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any


@contextmanager
def starting(*, later: str = "") -> Iterator[None]:
    """Import what the block imports, without what costs a start and serves nobody.

    The garbage collector would look through all that is imported again and again, to find nothing
    to free; it never will look there. OpenBLAS would start a thread for each core when NumPy is
    imported; nothing that serves multiplies matrices. Pydantic would read what all packages say of
    themselves, to find plugins.

    Args:
        later: a module to be imported when something of it is first asked for.

    >>> with starting():
    ...     import json
    >>> gc.isenabled()
    True

    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    try:
        if later and later not in sys.modules and (spec := find_spec(later)):
            sys.modules[later] = _Later(spec)
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Later(ModuleType):
    """Stands in for a module until something of it is asked for, by however many threads.

    Python's own LazyLoader lets a second thread see half of the module, up to 3.12.1 at least.
    """

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__ = spec
        self._importing = RLock()

    def __getattr__(self, name: str) -> Any:
        with self._importing:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            module = import_module(self.__name__)
            vars(self).update(vars(module))
        return getattr(module, name)
