"""Whole columns of text read at once, where it is certain that `cells.read` would say the same.

Polars turns text into numbers fast, but takes "+1", "007" and "inf" for numbers too. So what it
took is held against the bytes of all cells, joined: a few passes of NumPy instead of a regular
expression per cell.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.split_records import ColumnType
from mlsys.domain.types.cells import BOOLEANS, EXACT_IN_FLOAT, INTEGER, LONG, missing_words, present
from mlsys.domain.types.moments import Days, Micros, is_naive, read_days, read_moments

QUICK = frozenset(ColumnType) - {ColumnType.DECIMAL, ColumnType.TEXT}
SHORT = 18
"""A number with more than 17 digits is longer, in bytes without its sign, but for integers."""

NEWLINE, MINUS, ZERO, NINE = np.frombuffer(b"\n-09", np.uint8)
PLUS_OR_ZERO = re.compile(rb"\+|-?0[0-9]")
IN_CACHE = 2**17
"""So many bytes are looked through at once: a pass over more waits for the memory."""


Facts = Mapping[str, Any]
Names = Mapping[ColumnType, list[str]]


@dataclass(frozen=True)
class Quick:
    """A column of text that was read as `type`, each cell as `cells.read` reads it.

    Attributes:
        text: (n,), missing where a missing word was.
        values: (n,), missing where `text` is, and nowhere else.
        words: what was read as missing, as `cells.missing_words` names it.
        small: whether every number is under 2^53.
        longest: of `text`, in bytes.
        naive: whether times are written without an offset.
    """

    type: ColumnType
    text: pl.Series
    values: pl.Series
    words: Sequence[str] = ()
    small: bool = True
    longest: int = 0
    naive: bool = False

    def fits(self) -> bool:
        """Whether `cells.fitted` takes the type too, which must lose nothing."""
        if self.type is not ColumnType.FLOAT:
            return True
        if not self.small:
            large = self.text.filter(self.values.abs() >= EXACT_IN_FLOAT)
            if large.str.contains(INTEGER).any():
                return False
        if self.longest <= SHORT:
            return True
        return not self.text.filter(_may_be_long(self.text, self.values)).str.contains(LONG).any()


def read_quickly(texts: Sequence[pl.Series], types: Sequence[ColumnType]) -> list[Quick | None]:
    """Read columns of text, each as one type of `QUICK`, all of them in parallel.

    Args:
        texts: columns of the same length.
        types: one per column.

    Returns:
        One per column; None where it is not certain that every cell fits its type.

    """
    names = {type: [str(at) for at, one in enumerate(types) if one is type] for type in QUICK}
    raw = pl.DataFrame([text.alias(str(at)) for at, text in enumerate(texts)])
    values = _values(raw, names)
    lost = _lost(raw, values, names[ColumnType.FLOAT])
    words = {name: raw[name].filter(cells).unique() for name, cells in lost.items()}
    raw = raw.with_columns(raw[name].set(cells, None) for name, cells in lost.items())
    values = values.with_columns(
        values[name].fill_nan(None) for name in names[ColumnType.FLOAT] if name in lost
    )
    facts = _facts(raw, values, names)
    quicks: list[Quick | None] = []
    for name, text, type in zip(raw.columns, texts, types, strict=True):
        quick = None
        if name not in words or present(words[name]).null_count() == words[name].len():
            cells, read = raw[name].alias(text.name), values[name].alias(text.name)
            quick = _JUDGES[type](cells, read, facts[name])
        if quick and name in words:
            quick = replace(quick, words=missing_words(words[name]))
        quicks.append(quick)
    return quicks


def _values(raw: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Read what Polars reads well; dates and times as wide as the widest stay text for now."""
    boolean = pl.col(names[ColumnType.BOOLEAN])
    true = reduce(or_, (boolean == word for word, meaning in BOOLEANS.items() if meaning))
    false = reduce(or_, (boolean == word for word, meaning in BOOLEANS.items() if not meaning))
    moment = pl.col(names[ColumnType.DATE] + names[ColumnType.DATETIME])
    width = moment.str.len_bytes()
    return raw.select(
        pl.col(names[ColumnType.INTEGER]).cast(pl.Int64, strict=False),
        pl.col(names[ColumnType.FLOAT]).cast(pl.Float64, strict=False),
        pl.when(true | false).then(true).name.keep(),
        pl.when(width == width.max()).then(moment).name.keep(),
    )


def _lost(raw: pl.DataFrame, values: pl.DataFrame, floats: Sequence[str]) -> dict[str, pl.Series]:
    """Say of each column that lost cells when it was read, which: (n,)."""
    odd = _row(values.select(pl.col(floats).is_nan().any()))
    lost: dict[str, pl.Series] = {}
    for read in values:
        there = raw[read.name]
        if odd.get(read.name):
            lost[read.name] = (read.is_nan() | read.is_null()) & there.is_not_null()
        elif read.null_count() > there.null_count():
            lost[read.name] = read.is_null() & there.is_not_null()
    return lost


def _facts(raw: pl.DataFrame, values: pl.DataFrame, names: Names) -> Mapping[str, Facts]:
    """Ask of each column what tells whether it was read well, in as few passes as possible."""
    integer, float_ = pl.col(names[ColumnType.INTEGER]), pl.col(names[ColumnType.FLOAT])
    moment = pl.col(names[ColumnType.DATE] + names[ColumnType.DATETIME])
    small = float_.is_between(-EXACT_IN_FLOAT, EXACT_IN_FLOAT, closed="none")
    found = [
        raw.select(
            integer.str.len_bytes().sum().name.suffix(" bytes"),
            float_.str.len_bytes().max().name.suffix(" longest"),
            float_.str.join("\n").cast(pl.Binary).name.suffix(" joined"),
            moment.str.len_bytes().max().name.suffix(" longest"),
            moment.str.join("").cast(pl.Binary).name.suffix(" joined"),
        ),
        values.select(
            integer.min().name.suffix(" least"),
            integer.max().name.suffix(" most"),
            small.all().name.suffix(" small"),
        ),
    ]
    facts: dict[str, dict[str, Any]] = {name: {} for name in raw.columns}
    for frame in found:
        for key, value in _row(frame).items():
            name, fact = key.split(" ")
            facts[name][fact] = value
    return facts


def _row(frame: pl.DataFrame) -> Facts:
    return frame.row(0, named=True) if frame.width else {}


def _boolean(text: pl.Series, values: pl.Series, _: Facts) -> Quick | None:
    return Quick(ColumnType.BOOLEAN, text, values)


def _integer(text: pl.Series, values: pl.Series, facts: Facts) -> Quick | None:
    """Take integers if they have as many bytes as if they were all written plainly."""
    least, most = facts["least"] or 0, facts["most"] or 0
    tens = [10**digits for digits in range(1, 19)]
    longer = [values >= ten for ten in tens if ten <= most]
    longer += [values <= -ten for ten in tens if -ten >= least]
    longer += [values < 0] if least < 0 else []
    needed = text.len() - text.null_count() + sum(int(one.sum()) for one in longer)
    if facts["bytes"] != needed:
        return None
    small = max(-least, most) < EXACT_IN_FLOAT
    return Quick(ColumnType.INTEGER, text, values, small=small)


def _float(text: pl.Series, values: pl.Series, facts: Facts) -> Quick | None:
    if not (facts["small"] or values.is_finite().all()) or not _is_plain(facts["joined"]):
        return None
    longest = facts["longest"] or 0
    return Quick(ColumnType.FLOAT, text, values, small=facts["small"], longest=longest)


def _is_plain(lines: bytes) -> bool:
    """Whether no number that Polars reads has a plus sign, or a zero too many, in front."""
    if PLUS_OR_ZERO.match(lines) or (b"+" in lines and b"\n+" in lines):
        return False
    cells = np.frombuffer(lines, np.uint8)
    return all(
        _no_zero_in_front(cells[start : start + IN_CACHE + 3])
        for start in range(0, cells.size - 3, IN_CACHE)
    )


def _no_zero_in_front(cells: npt.NDArray[np.uint8]) -> bool:
    """Look at every byte but the first two and the last, with those around it."""
    zeros = cells[2:-1] == ZERO
    zeros &= cells[1:-2] <= MINUS
    zeros &= cells[3:] >= ZERO
    if not zeros.any():
        return True
    at = np.flatnonzero(zeros) + 2
    in_front = (cells[at - 1] == NEWLINE) | (cells[at - 2] == NEWLINE)
    return not (in_front & (cells[at + 1] <= NINE)).any()


def _may_be_long(text: pl.Series, values: pl.Series) -> pl.Series:
    """Say which numbers may have more than 17 digits: nearly all that are as long as that.

    "0.0123" has zeros and a point that do not count, and ".0123" one byte less of them.
    """
    number, size = pl.col("number"), pl.col("number").abs()
    digits = pl.col("text").str.len_bytes() - (number < 0)
    bare = (pl.col("text").str.starts_with(".") | pl.col("text").str.starts_with("-.")).any()
    zeros = pl.sum_horizontal(size < bound for bound in (1, 0.1, 0.01))
    allowed = SHORT + pl.when(~bare).then(zeros).otherwise(0)
    frame = pl.DataFrame([text.alias("text"), values.alias("number")])
    return frame.select(digits > allowed).to_series()


def _date(text: pl.Series, _: pl.Series, facts: Facts) -> Quick | None:
    days = read_days(facts["joined"], facts["longest"]) if facts["longest"] else None
    if days is None:
        return None
    return Quick(ColumnType.DATE, text, _spread(days, text).cast(pl.Date))


def _datetime(text: pl.Series, _: pl.Series, facts: Facts) -> Quick | None:
    joined, width = facts["joined"], facts["longest"]
    micros = read_moments(joined, width) if width else None
    if micros is None:
        return None
    moments = _spread(micros, text).cast(pl.Datetime("us", "UTC"))
    return Quick(ColumnType.DATETIME, text, moments, naive=is_naive(joined, width))


def _spread(numbers: Days | Micros, text: pl.Series) -> pl.Series:
    """Put the numbers where the text is not missing."""
    if not text.null_count():
        return pl.Series(text.name, numbers)
    there = text.is_not_null()
    spread = np.zeros(text.len(), numbers.dtype)
    spread[there.to_numpy()] = numbers
    return pl.Series(text.name, spread).set(~there, None)


_JUDGES = {
    ColumnType.BOOLEAN: _boolean,
    ColumnType.INTEGER: _integer,
    ColumnType.FLOAT: _float,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
}
