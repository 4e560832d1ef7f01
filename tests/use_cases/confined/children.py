"""Runs some code in a confined child that may read and write."""

import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mlsys.adapters.local.objects import FileObjects
from mlsys.ports import Objects
from mlsys.use_cases.confined.processes import run_confined
from mlsys.use_cases.confined.pumps import Moved, Traffic

MIB = 2**20
BEGIN = """
import json, os, signal, socket, sys, threading, time
from pathlib import Path
from mlsys.use_cases.confined.limits import confine
from mlsys.use_cases.confined.streams import Streams

confine(memory_mib=512, seconds=20)
folder = Path(sys.argv[1])
streams = Streams(["a.csv", "b.csv"], folder)

def write(name, content):
    with streams.part(name) as part:
        part.write(content)

def hang():
    (folder / "waits").touch()
    time.sleep(60)
"""


class Child:
    """May read `gs://uploads/a` and `gs://uploads/b`, and write `one` and `two` below `gs://artifacts/`."""

    def __init__(self, home: Path, objects: Objects | None = None) -> None:
        self.folder = home / "folder"
        self.folder.mkdir()
        self.objects = objects or FileObjects(home / "objects")
        self.objects.put("gs://uploads/a", b"a" * 5 * MIB)
        self.objects.put("gs://uploads/b", b"b" * 10)

    def run(
        self,
        code: str,
        *,
        seconds: int = 20,
        on_wait: Callable[[], None] = lambda: None,
        **fields: Any,
    ) -> Moved:
        """Run it; `fields` are of its traffic."""
        (self.folder / "child_of_a_test.py").write_text(BEGIN + code)
        traffic = Traffic(
            sources=[self.objects.stat(f"gs://uploads/{name}") for name in ("a", "b")],
            parts={name: f"gs://artifacts/{name}" for name in ("one", "two")},
            objects=self.objects,
            **fields,
        )
        return run_confined(
            "child_of_a_test",
            self.folder,
            memory_mib=512,
            seconds=seconds,
            on_wait=on_wait,
            traffic=traffic,
        )

    def stored(self) -> dict[str, bytes]:
        """Return what lies in the store, besides the sources."""
        return {
            one.uri.removeprefix("gs://artifacts/"): self.objects.read(one.uri)
            for one in self.objects.list("gs://artifacts/")
        }

    def waits(self) -> bool:
        """Whether the code has come to its `hang()`."""
        return (self.folder / "waits").exists()


class Breaking(FileObjects):
    """Does something with each block that is read or written."""

    def __init__(self, home: Path, *, reading: Any = None, writing: Any = None) -> None:
        super().__init__(home / "objects")
        self._reading, self._writing = reading, writing

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        with super().open_reader(uri, generation=generation) as source:
            yield _Noticed(source, self._reading) if self._reading else source  # type: ignore[misc]

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        with super().open_writer(uri, once=once) as target:
            yield _Noticed(target, self._writing) if self._writing else target  # type: ignore[misc]


class _Noticed:
    """A stream that calls back, with how much has gone through it."""

    def __init__(self, stream: BinaryIO, notice: Any) -> None:
        self._stream, self._notice, self._count = stream, notice, 0

    def read(self, size: int) -> bytes:
        self._notice(self._count)
        block = self._stream.read(size)
        self._count += len(block)
        return block

    def write(self, block: bytes) -> int:
        self._notice(self._count)
        self._count += len(block)
        return self._stream.write(block)


def late(error: Exception) -> Any:
    """Let a stream break after 2 MiB."""

    def notice(count: int) -> None:
        if count >= 2 * MIB:
            raise error

    return notice


def open_things() -> Counter[str]:
    """Count this process's open files, and its threads by name; other tests' may end meanwhile."""
    gc.collect()
    files = len(list(Path("/dev/fd").iterdir()))
    return Counter(files=files) + Counter(thread.name for thread in threading.enumerate())
