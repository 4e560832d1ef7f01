"""The limits that a confined child sets for itself; it imports little, since every start waits."""

import math
import os
import resource

FILE_BYTES = 2**26


def confine(*, memory_mib: int, seconds: float, file_bytes: int = FILE_BYTES) -> None:
    """Set this process's limits: memory, processor seconds, size of a file in its folder.

    Memory is what Linux counts as data: the address space also holds a GiB that is only reserved.
    macOS does not enforce it. What goes through streams is no file.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mib * 2**20,) * 2)
    cpu_seconds = math.ceil(seconds * (os.cpu_count() or 1))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
