"""Rows that came in another format: as the engine wants them, and where each value stood."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.predict_parameters import MAX_INSTANCES
from mlsys.edge.parsing import MAX_IN_MESSAGE, MAX_VIOLATIONS

ENGINE_PLACE = re.compile(r"\Ainstances\[(\d+)\](?:\.(.*))?\Z", re.DOTALL)

Place = Callable[[int, str | None], str]
"""Where a row, or a column of it, stood in what was sent."""


@dataclass(frozen=True)
class SentRows:
    """Objects, a value by column name each."""

    rows: list[dict[str, Any]]
    place: Place

    @contextmanager
    def told_in_place(self) -> Iterator[None]:
        """Have what is wrong with the rows told by their places in what was sent."""
        try:
            yield
        except InvalidInput as error:
            told = tuple(dict.fromkeys(self._moved(one) for one in error.violations))
            first = (f"{one.field}: {one.description}" for one in told[:MAX_IN_MESSAGE])
            raise InvalidInput("; ".join(first) or str(error), told) from error

    def _moved(self, one: Violation) -> Violation:
        place = ENGINE_PLACE.sub(lambda found: self.place(int(found[1]), found[2]), one.field)
        return Violation(place, one.description)


def sent_rows(rows: Sequence[Any], names: Sequence[str], *, within: str) -> SentRows:
    """Take rows that are objects, or lists of the values of all columns in their order.

    Args:
        rows: as JSON gives them.
        names: of the columns.
        within: where the rows stand in the body.

    Raises:
        InvalidInput: a row is neither, or a list is not as long as `names`.

    >>> sent_rows([[41, "basic"], {"age": 3}], ["age", "plan"], within="instances").rows
    [{'age': 41, 'plan': 'basic'}, {'age': 3}]

    """
    check_count(len(rows), within=within)
    kinds = set(map(type, rows))
    if kinds == {dict}:
        return SentRows(list(rows), lambda row, name: _by_name(within, row, name))
    wanted = f"expected an object, or a list of {len(names)} values"
    refuse(
        Violation(f"{within}[{place}]", wanted)
        for place, row in enumerate(rows)
        if not isinstance(row, dict) and not (isinstance(row, list) and len(row) == len(names))
    )
    named = [dict(zip(names, row, strict=True)) if isinstance(row, list) else row for row in rows]

    def place(row: int, name: str | None) -> str:
        if name in names and isinstance(rows[row], list):
            return f"{within}[{row}][{names.index(name)}]"
        return _by_name(within, row, name)

    return SentRows(named, place)


def sent_columns(columns: Mapping[str, Sequence[Any]], place: Place) -> SentRows:
    """Take columns of equal length; `place` is asked only for those that were sent."""
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return SentRows(rows, place)


def check_count(rows: int, *, within: str) -> None:
    """Raise InvalidInput unless so many rows can be answered at once."""
    if not 1 <= rows <= MAX_INSTANCES:
        told = f"expected 1 to {MAX_INSTANCES} rows, got {rows}"
        raise InvalidInput(f"{within}: {told}", (Violation(within, told),))


def refuse(problems: Iterator[Violation]) -> None:
    """Raise InvalidInput if there is any problem, telling the first 100."""
    told = tuple(one for one, _ in zip(problems, range(MAX_VIOLATIONS), strict=False))
    if told:
        raise InvalidInput(f"{told[0].field}: {told[0].description}", told)


def _by_name(within: str, row: int, name: str | None) -> str:
    return f"{within}[{row}]" if name is None else f"{within}[{row}].{name}"
