"""Reading CSV block by block: what Polars would fill up, skip or guess in silence is refused.

Polars raises where a row has too many cells and fills up where it has too few. So if it does not
raise, and a block has as many delimiters as its rows need, every row has as many cells as the
header. Only a block where that does not add up is read row by row, to name the rows.
"""

import codecs
from collections.abc import Iterator
from dataclasses import replace

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Limits, promised_format
from mlsys.use_cases.reading.csv_dialects import WESTERN, Told, told_dialect, told_encoding
from mlsys.use_cases.reading.csv_structure import count_rows, structure
from mlsys.use_cases.reading.ragged_rows import RaggedRows, rows_of
from mlsys.use_cases.reading.row_reader import RowReader
from mlsys.use_cases.reading.sources import Rows, Settling, Source, nothing_settled
from mlsys.use_cases.reading.text_blocks import TextForm, text_blocks, whole_rows
from mlsys.use_cases.reading.unpacking import head_of, recoded, unpacked

BLOCK_CELLS = 2**22
"""Narrow or empty cells take more memory than their text: so many bytes of them are a block."""


def open_csv(
    source: Source, options: ReadOptions, limits: Limits, *, block_bytes: int
) -> "CsvTable":
    """Tell from the beginning of the first file how all are written, and what the columns are.

    Raises:
        InvalidInput: it is no CSV; the header cannot be read, or has a name twice or empty.
        TooLarge: the header is too long, or has too many columns.
    """
    file = source.names[0]
    with unpacked(source, 0, limits) as pieces:
        head, complete = head_of(pieces, limits.line_bytes)
    encoding = options.encoding or told_encoding(head if complete else head[: head.rfind(b"\n")])
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    sample = decoder.decode(head, final=complete).removeprefix("\ufeff")
    if not complete and "\n" not in sample:
        raise TooLarge(f"{file}: line 1 is longer than {limits.line_bytes} bytes")
    told = told_dialect(sample, file, options, complete=complete)
    if encoding == WESTERN and options.encoding is None:
        told.warnings.append(
            f"{file}: it is not UTF-8 and was read as cp1252, as written in Western Europe; "
            "read.encoding says what it is"
        )
    form = TextForm(
        file,
        row_bytes=limits.line_bytes,
        encoding=encoding,
        quote=told.dialect.quote.encode(),
        block_bytes=block_bytes,
    )
    return CsvTable(source, limits, form, told)


class CsvTable:
    """A `Table` of text; a blank line in a single column is a missing value."""

    first_row = 2

    def __init__(self, source: Source, limits: Limits, form: TextForm, told: Told) -> None:
        format, compression = promised_format(form.file)
        self.names = told.names
        self.untyped = frozenset(told.names)
        self.decimal = told.decimal
        self.warnings = told.warnings
        self.read_as = {
            "format": format.value,
            "compression": compression and compression.value,
            "encoding": form.encoding,
            "delimiter": told.dialect.delimiter,
            "quote": told.dialect.quote,
            "decimal": told.decimal,
        }
        self._source = source
        self._limits = limits
        self._form = form
        self._dialect = told.dialect
        self._rows: int | None = None

    def count(self) -> int:
        """Count the row ends outside of quotes."""
        if self._rows is None:
            self._rows = sum(self._count(index) for index in range(len(self._source.names)))
        return self._some(self._rows)

    def blocks(self, settled: Settling = nothing_settled) -> Iterator[Rows]:
        """Yield text, or settled numbers; what is empty and not in quotes is missing."""
        rows = 0
        reader = RowReader(self.names, self._dialect, settled)
        for index in range(len(self._source.names)):
            for block in self._blocks(index, reader):
                rows += block.frame.height
                yield block
        self._rows = self._some(rows)

    def _some(self, rows: int) -> int:
        if not rows:
            raise InvalidInput(f"{self._form.file}: there is a header and not one row")
        return rows

    def _count(self, index: int) -> int:
        file = self._source.names[index]
        with unpacked(self._source, index, self._limits) as pieces:
            return count_rows(self._text(pieces, file), self._dialect, width=len(self.names)) - 1

    def _text(self, pieces: Iterator[bytes], file: str) -> Iterator[bytes]:
        return recoded(pieces, file, encoding=self._form.encoding)

    def _blocks(self, index: int, reader: RowReader) -> Iterator[Rows]:
        """Read one file; once a row is wrong, go on only to name the others."""
        form = replace(self._form, file=self._source.names[index])
        width = len(self.names)
        ragged = RaggedRows(form.file, width)
        row, blank = 1, 0
        with unpacked(self._source, index, self._limits) as pieces:
            for block in text_blocks(self._text(pieces, form.file), form):
                found = structure(block, form, self._dialect)
                content, rows, delimiters = block.content, found.rows, found.delimiters
                if block.line == 1:
                    self._check_header(content[: found.first_end], form.file)
                    content = content[found.first_end :]
                    rows, delimiters, row = rows - 1, delimiters - width + 1, 2
                trailing = _blank_at_end(content) if width > 1 else b""
                content = content.removesuffix(trailing)
                rows -= trailing.count(b"\n")
                if content:
                    ragged.add_blank(row, blank)
                    row += blank
                    blank = 0
                    for read in self._parsed(content, rows, delimiters, form, reader):
                        if read is None:
                            ragged.look(content, self._dialect, row=row)
                        elif not ragged.count:
                            yield read
                    row += rows
                if ragged.full:
                    break
                blank += trailing.count(b"\n")
            ragged.check()

    def _check_header(self, content: bytes, file: str) -> None:
        names = next(rows_of(content.decode(), self._dialect))
        if names != self.names:
            raise InvalidInput(
                f"{file}: its columns are not those of {self._form.file}: want "
                f"{self._dialect.delimiter.join(self.names)[:500]}, "
                f"got {self._dialect.delimiter.join(names)[:500]}"
            )

    def _parsed(
        self, content: bytes, rows: int, delimiters: int, form: TextForm, reader: RowReader
    ) -> Iterator[Rows | None]:
        """Read whole rows, in the end as None if not all of them have all cells and no more."""
        if delimiters != (len(self.names) - 1) * rows:
            yield None
            return
        pieces = iter([content])
        if rows * len(self.names) > BLOCK_CELLS:
            pieces = whole_rows(pieces, replace(form, block_bytes=BLOCK_CELLS))
        height = 0
        for piece in pieces:
            read = reader.read(piece)
            if read is None:
                yield None
                return
            height += read.frame.height
            yield read
        if height != rows:
            yield None


def _blank_at_end(content: bytes) -> bytes:
    """Return the blank lines at the end of whole rows."""
    ends = content[-3:]
    if ends not in (b"\n", b"\r\n") and not ends.endswith((b"\n\n", b"\n\r\n")):
        return b""
    rest = content.rstrip(b"\r\n")
    return content[content.index(b"\n", len(rest)) + 1 :] if rest else content
