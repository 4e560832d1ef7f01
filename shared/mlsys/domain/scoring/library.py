"""A library's compiled half, opened without importing the Python package that it came in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes import CDLL, c_char_p
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mlsys.domain.errors import InvalidInput

Functions = Mapping[str, tuple[Any, ...]]


def open_library(
    package: str, stem: str, functions: Functions, *, last_error: str, kind: type[CDLL] = CDLL
) -> CDLL:
    """Open `{package}/lib/{stem}.*` for these functions, each with the types that it takes.

    A function that answers other than 0 raises InvalidInput with the library's own words. `kind`
    is PyDLL for what is shorter than letting other threads run meanwhile.

    Raises:
        ImportError: the package is not installed, or is no version that we know.

    """
    found = find_spec(package)
    folders = found.submodule_search_locations if found is not None else None
    files = [file for folder in folders or () for file in Path(folder).glob(f"lib/{stem}.*")]
    if not files:
        raise ImportError(f"{stem} of {package} is not here: install mlsys[learners]")
    library = kind(str(files[0]))
    absent = [name for name in (*functions, last_error) if not hasattr(library, name)]
    if absent:
        raise ImportError(
            f"{files[0]} lacks {', '.join(absent)}: install the version of {package} that "
            "uv.lock names, or one that pyproject.toml allows"
        )
    told = library[last_error]
    told.restype = c_char_p

    def checked(code: int, *_: object) -> None:
        if code != 0:
            raise InvalidInput(f"{package} refused: {told().decode(errors='replace')}")

    for name, types in functions.items():
        function = getattr(library, name)
        function.argtypes = types
        function.errcheck = checked
    return library


@contextmanager
def threads_here(library: CDLL, threads: int) -> Iterator[None]:
    """Let what this thread calls use so many; a pool of threads costs more than it loads.

    OpenMP keeps the number for each calling thread, so that nobody else's work slows down.
    """
    before = library.omp_get_max_threads()
    library.omp_set_num_threads(threads)
    try:
        yield
    finally:
        library.omp_set_num_threads(before)


def address(array: "np.typing.NDArray[Any]") -> int:
    """Return where an array's numbers begin; faster than `array.ctypes`."""
    place: int = array.__array_interface__["data"][0]
    return place
