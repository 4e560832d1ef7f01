"""JSON numbers that keep the digits they were written with: "1.10" is not 1.1 to a table."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Self

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Written(float):
    """A float that remembers its text."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> Self:
        """Read a number as JSON writes it."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def json_line(row: Mapping[str, Any]) -> str:
    r"""Write an object of scalars on one line, numbers with the digits they came with.

    Raises:
        TypeError, ValueError: a value is no JSON scalar, NaN or infinite.

    >>> json_line({"price": Written("1.10"), "id": 2**53 + 1, "at": None, "name": "a\nb"})
    '{"price":1.10,"id":9007199254740993,"at":null,"name":"a\\nb"}'

    """
    cells = (f"{encode_basestring(name)}:{_cell(cell)}" for name, cell in row.items())
    return f"{{{','.join(cells)}}}"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Write objects of scalars as JSON Lines. Raises TypeError, ValueError."""
    return "".join(f"{json_line(row)}\n" for row in rows).encode()


def _cell(cell: object) -> str:
    if isinstance(cell, str):
        return encode_basestring(cell)
    if isinstance(cell, Written):
        return cell.text
    if isinstance(cell, Decimal) and JSON_NUMBER.fullmatch(str(cell)):
        return str(cell)
    if isinstance(cell, dict | list | tuple):
        raise TypeError(f"a cell is a number, text, true, false or null, not a {type(cell)}")
    return json.dumps(cell, allow_nan=False)
