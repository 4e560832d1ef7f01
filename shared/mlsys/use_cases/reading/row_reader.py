"""Reading rows of CSV by Polars: as text, or settled columns as numbers where that is safe."""

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl
from polars.exceptions import PolarsError

from mlsys.domain.types.told_columns import Settled
from mlsys.use_cases.reading.csv_structure import Dialect
from mlsys.use_cases.reading.number_columns import are_as_their_text
from mlsys.use_cases.reading.sources import Rows, Settling, rows_as_they_are

ZLIB_HEADS = (b"x\x01", b"x^")
"""A text that begins so is taken for packed by Polars, and for empty."""


class RowReader:
    """Reads the rows of one pass, piece by piece.

    After the k-th piece that had to be read as text after all, none is tried for 2^(k-1) pieces:
    so few are read twice, however many have a number that only its text tells.
    """

    def __init__(self, names: Sequence[str], dialect: Dialect, settled: Settling) -> None:
        self._names, self._dialect, self._settled = names, dialect, settled
        self._failed = self._waiting = 0

    def read(self, content: bytes) -> Rows | None:
        """Read whole rows, or return None if Polars finds that one has too many cells."""
        numbers = self._with_numbers(content)
        if numbers is not None:
            return Rows(numbers, raw=cache(lambda: self._parsed(content, {})))
        text = self._frame(content, {})
        return None if text is None else rows_as_they_are(text)

    def _with_numbers(self, content: bytes) -> pl.DataFrame | None:
        settled = self._settled()
        if self._dialect.quote.encode() in content:
            # With words for what is missing, Polars takes "" in other columns for missing, too.
            settled = {name: one for name, one in settled.items() if one.word is None}
        if not settled or self._waiting:
            self._waiting -= self._waiting > 0
            return None
        frame = self._frame(content, settled)
        if frame is not None and are_as_their_text(frame, content, self._dialect):
            return frame
        self._waiting = 2**self._failed
        self._failed += 1
        return None

    def _frame(self, content: bytes, settled: Mapping[str, Settled]) -> pl.DataFrame | None:
        try:
            return self._parsed(content, settled)
        except PolarsError:
            return None

    def _parsed(self, content: bytes, settled: Mapping[str, Settled]) -> pl.DataFrame:
        taken_for_packed = content.startswith(ZLIB_HEADS)
        if taken_for_packed:
            empty = self._dialect.delimiter.encode() * (len(self._names) - 1)
            content = empty + b"\n" + content
        quote = self._dialect.quote
        frame = pl.read_csv(
            content,
            has_header=False,
            schema={
                name: settled[name].dtype if name in settled else pl.String()
                for name in self._names
            },
            null_values={name: one.word for name, one in settled.items() if one.word} or None,
            separator=self._dialect.delimiter,
            quote_char=quote if quote.encode() in content else None,
        )
        return frame.slice(int(taken_for_packed))
