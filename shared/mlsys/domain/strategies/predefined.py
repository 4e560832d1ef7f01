"""`predefined`: a column of the table says where each row goes."""

import polars as pl

from mlsys.domain.records import PARTS, Json
from mlsys.domain.strategies.base import NOWHERE, Assigned, Assigner, BadRows, Numbers, Plan, Tally
from mlsys.domain.strategies.texts import texts

NAMES = {"train": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2}


class Predefined(Assigner):
    """The column has the names of the parts, in letters of any case."""

    def __init__(self, plan: Plan) -> None:
        self._column = plan.params.split_column or ""
        self.columns = (self._column,)
        self._plan = plan
        self._begin()

    def assign(
        self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /
    ) -> Assigned:
        """Do as the column says."""
        if start == 0:
            self._begin()
        said = texts(block[self._column])
        codes = said.str.to_lowercase().replace_strict(
            list(NAMES), list(NAMES.values()), default=NOWHERE, return_dtype=pl.Int8
        )
        self._unknown.note(codes == NOWHERE, start, numbers, values=said)
        found = codes.to_numpy()
        self._tally.add(found)
        return Assigned(found)

    def finish(self) -> None:
        """Raise InvalidInput if a row has no such name, or a part no row."""
        self._unknown.refuse(f"predefined knows {', '.join(NAMES)}")
        self._tally.refuse_empty(f"column {self._column!r} gives it none")

    def describe(self) -> Json:
        """Say which name is whose."""
        return {
            "split_column": self._column,
            "names": {name: PARTS[code] for name, code in NAMES.items()},
        }

    def _begin(self) -> None:
        self._unknown = BadRows(self._column, self._plan)
        self._tally = Tally()
