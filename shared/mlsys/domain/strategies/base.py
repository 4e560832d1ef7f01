"""What a strategy is: it sees the table in blocks, and says of each row where it goes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.records import PARTS, Json
from mlsys.domain.split_params import SplitParams

MAX_ROWS_NAMED = 100
MAX_ROWS_TOLD = 5
MAX_VALUE = 80
NOWHERE = -1

Codes = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int64]
Needs = Literal["nothing", "rows", "columns"]


@dataclass(frozen=True)
class Assigned:
    """Where the rows of a block go.

    Attributes:
        codes: (n,) an index into PARTS; -1 is in no part.
        folds: (n,) of rows of train, from 0; -1 for others. None: there are no folds.
    """

    codes: Codes
    folds: Codes | None = None


class Assigner(Protocol):
    """Says where each row goes: survey all blocks, settle, assign all blocks, finish.

    Blocks come in their order, in our types; `start` counts the rows before a block. A block that
    starts at 0 begins a pass anew, and what was seen before it is forgotten. How the rows are
    divided into blocks makes no difference, nor do other columns. Rows are told apart for people
    by `numbers` (n,), or else by counting on from the plan's `first_row`. Who does not need to
    survey, or to settle, inherits that from here.

    Attributes:
        needs: before a row can go anywhere: nothing; `rows`, their number, so that `settle` comes
            first; or `columns`, so that `survey` and `settle` do.
        columns: the ones that it looks at.
        step: rows that can only be assigned together: every block but the last has a multiple of
            them. It may be made smaller before a pass, where so many rows are too large to wait.
    """

    needs: Needs = "nothing"
    columns: Sequence[str] = ()
    step: int = 1

    def survey(self, _block: pl.DataFrame, _start: int, _numbers: Numbers | None = None, /) -> None:
        """See the next rows; only where `columns` are needed."""
        return

    def settle(self, _rows: int, /) -> None:
        """Decide, knowing how many rows there are. Raises InvalidInput: it cannot be done."""
        return

    def assign(
        self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the next rows go."""
        ...

    def finish(self) -> None:
        """Look back on a whole pass. Raises InvalidInput: rows cannot go anywhere, a part is empty.

        What was assigned is of no use then.
        """
        ...

    def describe(self) -> Json:
        """Say what was settled, so that it can be done again elsewhere."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is wanted, with the columns of this table that it concerns.

    Attributes:
        params: as they were sent.
        target: the column of the classes.
        group: the column that is kept together.
        time: the column to go by.
        keys: the columns that name a row.
        first_row: what people call the first row.
        sensitive: columns of which no value is told.
    """

    params: SplitParams
    target: str = ""
    group: str = ""
    time: str = ""
    keys: Sequence[str] = ()
    first_row: int = 1
    sensitive: Collection[str] = ()


class BadRows:
    """Rows that cannot go anywhere: how many, and the first 100 of them."""

    def __init__(self, column: str, plan: Plan) -> None:
        self._column = column
        self._first_row = plan.first_row
        self._sensitive = column in plan.sensitive
        self._count = 0
        self._rows: list[int] = []
        self._violations: list[Violation] = []

    def note(
        self,
        bad: pl.Series,
        start: int,
        numbers: Numbers | None,
        *,
        values: pl.Series | None = None,
    ) -> None:
        """Note the rows of a block where the mask `bad` holds, with the text that stands there."""
        self._count += int(bad.sum())
        room = MAX_ROWS_NAMED - len(self._rows)
        for at in bad.arg_true().head(room).to_list():
            row = self._first_row + start + at if numbers is None else int(numbers[at])
            value = None if values is None else values[at]
            said = "nothing is there" if value is None else f"got {self._told(value)}"
            self._rows.append(row)
            self._violations.append(Violation(self._column, f"row {row}: {said}"))

    def refuse(self, wanted: str) -> None:
        """Raise InvalidInput if there were any."""
        if not self._count:
            return
        told = ", ".join(map(str, self._rows[:MAX_ROWS_TOLD]))
        more = ", …" if self._count > MAX_ROWS_TOLD else ""
        raise InvalidInput(
            f"{wanted}, and {self._count} row(s) of {self._column!r} break that: row {told}{more}",
            tuple(self._violations),
        )

    def _told(self, value: str) -> str:
        return "a sensitive value" if self._sensitive else repr(value[:MAX_VALUE])


class Tally:
    """How many rows went to each part."""

    def __init__(self) -> None:
        self._rows = np.zeros(len(PARTS), dtype=np.int64)

    def add(self, codes: Codes) -> None:
        """Count the rows of a block."""
        self._rows += np.bincount(codes[codes != NOWHERE], minlength=len(PARTS))

    def refuse_empty(self, because: str) -> None:
        """Raise InvalidInput if a part has no row."""
        empty = [part for part, rows in zip(PARTS, self._rows, strict=True) if not rows]
        if empty:
            raise InvalidInput(
                f"{' and '.join(empty)} would have no row, of {self._rows.sum()}: {because}"
            )
