"""CSV with a header, as cells of text."""

import csv
import io
from itertools import islice

from mlsys.domain.errors import InvalidInput


def read_cells(content: bytes, *, at_most: int | None = None) -> tuple[list[str], list[list[str]]]:
    r"""Read a CSV: its header, and the cells of each line; empty lines are left out.

    Args:
        content: UTF-8.
        at_most: so many lines are read, if there are more.

    Raises:
        InvalidInput: not UTF-8, a name twice in the header, a line of another length.

    >>> read_cells(b'age,plan\n41,"basic, old"\n')
    (['age', 'plan'], [['41', 'basic, old']])

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"it is not UTF-8: byte {error.start}") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        lines = [(reader.line_num, cells) for cells in islice(reader, at_most) if cells]
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}: {error}") from error
    if len(set(header)) < len(header):
        raise InvalidInput("a column's name stands twice in the header")
    for number, cells in lines:
        if len(cells) != len(header):
            raise InvalidInput(f"line {number}: want {len(header)} cells, got {len(cells)}")
    return header, [cells for _, cells in lines]
