"""How often each rule about rows is broken, and the first cells that break it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlsys.domain.contract import Contract
from mlsys.domain.report import MAX_CELLS, MAX_VALUE, Cell, Reason, RowRule
from mlsys.domain.split_records import Role

MAX_CELLS_IN_ALL = 20_000


@dataclass(frozen=True)
class Place:
    """Where a block lies: what gives the rows as the file has them, and what the first is called.

    Few blocks break a rule, so only then are the rows asked for.
    """

    raw: Callable[[], pl.DataFrame]
    row: int


@dataclass
class Tally:
    """One rule, and what breaks it so far. `columns` are those whose values are shown."""

    rule: RowRule
    columns: Sequence[str]
    wanted: str
    count: int = 0
    cells: list[Cell] = field(default_factory=list)


class Tallies:
    """Counts broken rules. Counts are exact; of the cells the first are kept.

    Each rule keeps up to 100, fewer if there are so many rules that this would be over 20,000. No
    value of a sensitive column is kept.
    """

    def __init__(self, contract: Contract, names: Sequence[str]) -> None:
        self._hidden = {name for name, rule in contract.columns.items() if rule.sensitive}
        keys = contract.columns_with(Role.KEY)
        self._keys = [name for name in keys if name in names and name not in self._hidden]
        self._tallies: list[Tally] = []

    def open(self, rule: RowRule, columns: Sequence[str], wanted: str) -> Tally:
        """Start counting a rule. All are opened before the first is broken."""
        tally = Tally(rule, columns, wanted)
        self._tallies.append(tally)
        return tally

    def add(self, tally: Tally, broken: pl.Series, place: Place) -> None:
        """Count the rows of a block that break a rule: (n,) booleans."""
        tally.count += int(broken.sum())
        room = self._room - len(tally.cells)
        if room <= 0:
            return
        at = broken.arg_true().head(room)
        columns = [] if self._hidden & set(tally.columns) else tally.columns
        names = {*columns, *self._keys}
        values = {name: place.raw()[name].gather(at).to_list() for name in names}
        for one, index in enumerate(at):
            shown = [_shown(values[name][one]) for name in columns]
            tally.cells.append(
                Cell(
                    row=place.row + index,
                    value=shown[0] if len(shown) == 1 else _joined(shown),
                    key={name: _shown(values[name][one]) for name in self._keys},
                )
            )

    def reasons(self) -> list[Reason]:
        """Name every rule that is broken, in the order in which they were opened."""
        return [_reason(tally) for tally in self._tallies if tally.count]

    @property
    def _room(self) -> int:
        return min(MAX_CELLS, max(1, MAX_CELLS_IN_ALL // len(self._tallies)))


def _reason(tally: Tally) -> Reason:
    named = ", ".join(map(repr, tally.columns))
    what = "column" if len(tally.columns) == 1 else "columns"
    rows = f"{tally.count} row(s) break this, first {tally.cells[0].row}"
    return Reason(
        rule=tally.rule,
        column=tally.columns[0] if len(tally.columns) == 1 else None,
        message=f"{what} {named}: want {tally.wanted}; {rows}",
        count=tally.count,
        cells=tally.cells,
    )


def _shown(value: object) -> str | None:
    return None if value is None else str(value)[:MAX_VALUE]


def _joined(values: list[str | None]) -> str | None:
    return ", ".join(map(str, values))[:MAX_VALUE] if values else None
