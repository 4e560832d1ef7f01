"""Features that nothing is learnt from: constants, names of rows, free text."""

from collections.abc import Mapping, Sequence
from math import log

import polars as pl

from mlsys.domain.profiling.column_tallies import Tally
from mlsys.domain.report import Leak

MIN_ROWS = 10
MIN_TEXTS = 30
FALSE_ALARMS = 0.001
"""Of tables whose integers are drawn at random, the share in which some are taken for ids."""
NEARLY_ALL = 0.99
MANY = 0.5
LONG_TEXT = 30.0
VERY_LONG_TEXT = 80.0
SPACES = 2.0
"""In the first 24 or so characters of a text that is made of words."""
NAMED = 5
UUID = r"^\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"


def find_odd_columns(
    rows: pl.DataFrame, tallies: Mapping[str, Tally], features: Sequence[str]
) -> list[Leak]:
    """Look at the features of train.

    Args:
        rows: (n, k), a sample of train, in the order of the file.
        tallies: of all rows of train, by column.
        features: which columns to look at.
    """
    empty = [name for name in features if not tallies[name].present]
    constant = [name for name in features if _is_constant(tallies[name])]
    leaks = []
    if empty:
        leaks.append(_useless(empty, "no value in any row of train"))
    if constant:
        leaks.append(_useless(constant, "the same value in every row of train"))
    for name in features:
        cells = rows[name].drop_nulls()
        if _is_free_text(cells, tallies[name]):
            leaks.append(_free_text(name, cells, tallies[name]))
        elif said := _names_rows(cells, len(features)):
            message = (
                f"column {name!r} {said}: what is learnt from it holds for no other row; give it "
                "the role key, or leave it out"
            )
            leaks.append(Leak(kind="id_like", columns=[name], message=message))
    return leaks


def _is_constant(tally: Tally) -> bool:
    return tally.distinct == 1 and not tally.missing and tally.present > 1


def _useless(names: Sequence[str], what: str) -> Leak:
    listed = ", ".join(map(repr, names[:NAMED]))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    have = "column {} has" if len(names) == 1 else f"{len(names)} columns ({{}}) have"
    message = f"{have.format(listed + more)} {what}: nothing can be learnt from it; leave it out"
    return Leak(kind="constant", columns=list(names), message=message)


def _is_free_text(cells: pl.Series, tally: Tally) -> bool:
    if tally.spans is None or cells.len() < MIN_ROWS or cells.n_unique() < MANY * cells.len():
        return False
    length = tally.spans.total / tally.present
    words = cells.str.count_matches(" ", literal=True).sum() >= SPACES * cells.len()
    return length >= VERY_LONG_TEXT or (length >= LONG_TEXT and words)


def _free_text(name: str, cells: pl.Series, tally: Tally) -> Leak:
    length = tally.spans.total / tally.present if tally.spans else 0
    message = (
        f"column {name!r} holds free text ({_counted(cells)} are different, {length:.0f} "
        "characters on average): as a category it says nothing; leave it out, or make numbers of "
        "it first"
    )
    return Leak(kind="free_text", columns=[name], message=message)


def _names_rows(cells: pl.Series, features: int) -> str | None:
    """Say why the cells look like names of their rows, if they do."""
    if cells.len() < MIN_ROWS:
        return None
    if cells.dtype == pl.String():
        return _texts_name_rows(cells)
    if cells.dtype == pl.Int64():
        return _integers_name_rows(cells, features)
    return None


def _texts_name_rows(cells: pl.Series) -> str | None:
    different = cells.n_unique()
    if (
        different >= MANY * cells.len()
        and cells.str.contains(UUID).sum() >= NEARLY_ALL * cells.len()
    ):
        return "holds UUIDs"
    if cells.len() >= MIN_TEXTS and different >= NEARLY_ALL * cells.len():
        return f"names its rows ({_counted(cells)} are different)"
    return None


def _integers_name_rows(cells: pl.Series, features: int) -> str | None:
    numbers = cells.to_numpy()
    if (numbers[1:] > numbers[:-1]).all() or (numbers[1:] < numbers[:-1]).all():
        return f"counts its rows (it never turns in {len(numbers):,} of them)"
    if cells.n_unique() < len(numbers):
        return None
    room = int(numbers.max()) - int(numbers.min()) + 1
    chance = -len(numbers) * (len(numbers) - 1) / (2 * room)
    if chance > log(FALSE_ALARMS / features):
        return None
    return f"names its rows ({_counted(cells)} are different, within {room:,} possible values)"


def _counted(cells: pl.Series) -> str:
    return f"{cells.n_unique():,} of {cells.len():,} values in train"
