"""What a disk answers, in mlsys's own errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from mlsys.domain.errors import InvalidInput, NotFound, Unavailable


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Raise NotFound or Unavailable for what goes wrong inside the block."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFound(f"{uri} does not exist") from error
    except OSError as error:
        raise _unforeseen(uri, error) from error


@contextmanager
def writing(uri: str, *, only_full_disk: bool = False) -> Iterator[None]:
    """Raise InvalidInput or Unavailable; with `only_full_disk` the rest is somebody else's."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Unavailable(f"{uri}: the disk is full") from error
        if only_full_disk:
            raise
        if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
            raise InvalidInput(
                f"{uri}: on a disk an object and a folder cannot share a name; choose another"
            ) from error
        raise _unforeseen(uri, error) from error


def _unforeseen(uri: str, error: OSError) -> InvalidInput | Unavailable:
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput(f"{uri[:200]}…: a part of the name is longer than the disk allows")
    return Unavailable(f"{uri}: {error.strerror}")
