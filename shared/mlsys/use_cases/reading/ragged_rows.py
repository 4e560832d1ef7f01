"""Naming the rows of a CSV that have another number of cells than its header."""

import csv
import io
from collections.abc import Iterable, Iterator

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.use_cases.reading.csv_structure import Dialect

MAX_RAGGED = 100


class RaggedRows:
    """Collects them over a file. Row 1 is the header."""

    def __init__(self, file: str, width: int) -> None:
        self._file = file
        self._width = width
        self._violations: list[Violation] = []
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether more of them would not be named."""
        return len(self._violations) >= MAX_RAGGED

    def add_blank(self, row: int, count: int) -> None:
        """Note `count` blank lines that came before row `row + count`, which is not blank."""
        self._add((at, 0) for at in range(row, row + min(count, MAX_RAGGED)))
        self.count += max(0, count - MAX_RAGGED)

    def look(self, content: bytes, dialect: Dialect, *, row: int) -> None:
        """Note those of a block that has some and whose first row is `row`.

        Raises:
            InvalidInput: it has none, so that its two readers do not agree.
        """
        before = self.count
        blank_too = {self._width, 0} if self._width == 1 else {self._width}
        fields = enumerate(rows_of(content.decode(), dialect), row)
        self._add((at, len(found)) for at, found in fields if len(found) not in blank_too)
        if self.count == before:
            raise InvalidInput(f"{self._file}: the rows from row {row} on cannot be told apart")

    def check(self) -> None:
        """Refuse the file if there was one. Raises InvalidInput, which names the first hundred."""
        if self.count:
            first = "; ".join(f"{one.field} {one.description}" for one in self._violations[:3])
            raise InvalidInput(
                f"{self._file}: {self.count}{' or more' if self.full else ''} row(s) have another "
                f"number of fields than the header: {first}",
                tuple(self._violations),
            )

    def _add(self, wrong: Iterable[tuple[int, int]]) -> None:
        for row, found in wrong:
            self.count += 1
            if not self.full:
                description = f"has {found} field(s), want {self._width}"
                self._violations.append(Violation(f"row {row}", description))


def rows_of(text: str, dialect: Dialect) -> Iterator[list[str]]:
    """Read a text row by row, strictly. Raises csv.Error."""
    usual = csv.field_size_limit(max(len(text), 1))
    try:
        yield from csv.reader(
            io.StringIO(text, newline=""),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            strict=True,
        )
    finally:
        csv.field_size_limit(usual)
