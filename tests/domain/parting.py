"""Tables divided by hand, for tests of what is said about parts."""

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.profiling.profiles import Profiler
from mlsys.domain.records import PARTS
from mlsys.domain.report import Leak
from mlsys.domain.split_records import Column, ColumnType, Role

Codes = npt.NDArray[np.int8]

TYPES: dict[type[pl.DataType], ColumnType] = {
    pl.Boolean: ColumnType.BOOLEAN,
    pl.Int64: ColumnType.INTEGER,
    pl.Float64: ColumnType.FLOAT,
    pl.Decimal: ColumnType.DECIMAL,
    pl.String: ColumnType.TEXT,
    pl.Date: ColumnType.DATE,
    pl.Datetime: ColumnType.DATETIME,
}

ROWS = 1_000
RANDOM = np.random.default_rng(5)
BINARY = pl.Series("y", RANDOM.integers(0, 2, ROWS))
CLASSES = pl.Series("y", RANDOM.choice(["low", "middle", "high"], ROWS))
NUMBER = pl.Series("y", RANDOM.normal(100, 20, ROWS))
TENS = (NUMBER / 10).round()


def columns_of(
    table: pl.DataFrame, roles: Mapping[str, Role], sensitive: Collection[str] = ()
) -> list[Column]:
    """Describe a table; what has no role is a feature."""
    return [
        Column(
            name=cells.name,
            type=TYPES[cells.dtype.base_type()],
            nullable=True,
            role=roles.get(cells.name, Role.FEATURE),
            sensitive=cells.name in sensitive,
        )
        for cells in table
    ]


def drawn(rows: int, *, seed: int = 0) -> Codes:
    """Draw the part of each row: 70 %, 15 %, 15 %."""
    of_part = np.repeat(np.arange(3, dtype=np.int8), _sizes(rows))
    return np.random.default_rng(seed).permutation(of_part)


def seen(
    table: pl.DataFrame,
    codes: Codes | None = None,
    *,
    roles: Mapping[str, Role] | None = None,
    sensitive: Collection[str] = (),
    cuts: Sequence[int] = (),
    **said: Any,
) -> Profiler:
    """Show a table to a profiler, in blocks that end at `cuts`."""
    profiler = Profiler(columns_of(table, roles or {}, sensitive), **said)
    codes = drawn(table.height) if codes is None else codes
    for start, end in zip([0, *cuts], [*cuts, table.height], strict=True):
        block, of_block = table[start:end], codes[start:end]
        rows = {part: np.flatnonzero(of_block == code) for code, part in enumerate(PARTS)}
        profiler.look(
            {part: block[at] for part, at in rows.items()},
            {part: at + start for part, at in rows.items()},
        )
    return profiler


def leaks(table: pl.DataFrame, codes: Codes | None = None, **said: Any) -> list[Leak]:
    """Say what is suspicious about a table whose column `y` is the target, if there is one."""
    roles = {"y": Role.TARGET, **said.pop("roles", {})}
    return seen(table, codes, roles=roles, **said).leaks()


def kinds(found: Sequence[Leak]) -> list[str]:
    """Name the kinds of what was found."""
    return [leak.kind for leak in found]


def table(target: pl.Series, **columns: Any) -> pl.DataFrame:
    """Return an ordinary table with some columns more."""
    r = np.random.default_rng(11)
    plain = pl.DataFrame(
        {
            "age": r.integers(18, 80, ROWS),
            "income": r.lognormal(10, 1, ROWS).round(2),
            "plan": r.choice(["basic", "plus", "pro"], ROWS),
            "city": r.choice([f"city {n}" for n in range(200)], ROWS),
        }
    )
    return plain.with_columns(target, **columns)


def chance() -> np.random.Generator:
    """Draw anew, always the same."""
    return np.random.default_rng(23)


def shuffled(cells: pl.Series) -> pl.Series:
    """Return the same cells in another order."""
    return cells.sample(fraction=1, shuffle=True, seed=3)


def only(found: Sequence[Leak]) -> Leak:
    """Return the one thing that was found."""
    [leak] = found
    return leak


def said(script: str, *arguments: str, **environment: str) -> bytes:
    """Run a script in a process of its own and return what it prints."""
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={"PYTHONPATH": f"{root}:{root / 'shared'}", **environment},
        capture_output=True,
        check=True,
    ).stdout


def _sizes(rows: int) -> list[int]:
    train = round(0.7 * rows)
    val = round(0.15 * rows)
    return [train, val, rows - train - val]
