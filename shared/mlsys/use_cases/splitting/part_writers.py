"""Parquet files written block by block, side by side, into streams that cannot seek.

What a file holds depends only on its rows and on how many go into a row group: not on how they
came in blocks, nor on the number of threads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, suppress
from queue import Full, Queue
from threading import Event
from typing import BinaryIO, Self

import polars as pl
from polars.io.plugins import register_io_source

from mlsys.use_cases.reading.row_groups import ROW_GROUP_ROWS

COMPRESSION_LEVEL = 1
POLL_SECONDS = 0.1

OpenPart = Callable[[str], AbstractContextManager[BinaryIO]]


class PartWriters:
    """One thread and one file for each part, fed by `write`; each holds about one row group.

    A block that ends in an exception ends the threads, and the block of every part that is not yet
    finished with an exception too. What goes wrong in a thread is raised by a later `write` to any
    part, or at the end of the block: Polars reads on for a while after a target broke.
    """

    def __init__(
        self,
        schema: Mapping[str, pl.DataType],
        *,
        names: Sequence[str],
        open_part: OpenPart,
        row_group_rows: int = ROW_GROUP_ROWS,
    ) -> None:
        """Prepare for parts of these names with these columns; nothing is opened yet."""
        self._schema, self._names, self._open_part = pl.Schema(schema), names, open_part
        self._row_group_rows = row_group_rows
        self._abandoned = Event()
        self._blocks: dict[str, Queue[pl.DataFrame | None]] = {name: Queue(1) for name in names}
        self._threads = ThreadPoolExecutor(max(len(names), 1), thread_name_prefix="part")
        self._written: dict[str, Future[None]] = {}

    def __enter__(self) -> Self:
        for name in self._names:
            self._written[name] = self._threads.submit(self._write, name)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                for name in self._names:
                    self._put(name, None)
                for written in self._written.values():
                    written.result()
        finally:
            self._abandon()
            self._threads.shutdown()

    def write(self, name: str, block: pl.DataFrame) -> None:
        """Append rows to one part, as soon as its writer has taken the block before."""
        if block.height > 0:
            self._put(name, block)

    def _put(self, name: str, block: pl.DataFrame | None) -> None:
        while True:
            for written in self._written.values():
                if written.done():
                    written.result()
            with suppress(Full):
                self._blocks[name].put(block, timeout=POLL_SECONDS)
                return

    def _abandon(self) -> None:
        self._abandoned.set()
        while wait(self._written.values(), 0).not_done:
            for name, written in self._written.items():
                if not written.done():
                    with suppress(Full):
                        self._blocks[name].put(None, timeout=POLL_SECONDS)

    def _write(self, name: str) -> None:
        def blocks(*_: object) -> Iterator[pl.DataFrame]:
            while (block := self._blocks[name].get()) is not None:
                yield block
            if self._abandoned.is_set():
                raise _Abandoned

        with self._open_part(name) as target:
            register_io_source(blocks, schema=self._schema, validate_schema=True).sink_parquet(
                target,
                compression="zstd",
                compression_level=COMPRESSION_LEVEL,
                row_group_size=self._row_group_rows,
                statistics=True,
            )


class _Abandoned(Exception):
    """Nobody wants the file any more."""
