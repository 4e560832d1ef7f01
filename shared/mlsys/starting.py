"""Makes a process start sooner; what starts it imports everything else inside."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def starting() -> Iterator[None]:
    """Import what the block imports, without what costs a start and serves nobody.

    The garbage collector would look through all that is imported again and again, to find nothing
    to free; it never will look there. OpenBLAS would start a thread for each core when NumPy is
    imported; nothing that serves multiplies matrices.

    >>> with starting():
    ...     import json
    >>> gc.isenabled()
    True

    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
