"""Columns that nothing is learnt from are found; ordinary ones are not."""

from uuid import UUID

import polars as pl
import pytest

from tests.domain.parting import BINARY, ROWS, chance, kinds, leaks, only, shuffled, table


@pytest.mark.parametrize(
    "cells",
    [
        pl.int_range(ROWS, eager=True),
        -pl.int_range(ROWS, eager=True) * 17,
        shuffled(pl.int_range(ROWS, eager=True)),
        "customer " + pl.Series(chance().permutation(ROWS)).cast(pl.String),
        pl.Series([str(UUID(int=n * 2**90 + 7)) for n in chance().integers(0, 500, ROWS).tolist()]),
    ],
)
def test_names_of_rows_are_found(cells: pl.Series) -> None:
    found = only(leaks(table(BINARY, name=cells)))

    assert (found.kind, found.columns) == ("id_like", ["name"])
    assert "'name'" in found.message
    assert "role key" in found.message


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series(chance().integers(0, 10**9, ROWS)),
        pl.Series(chance().normal(size=ROWS)),
        pl.Series(sorted(chance().integers(0, 500, ROWS).tolist())),
        pl.Series([str(UUID(int=n)) for n in chance().integers(0, 5, ROWS).tolist()]),
        "person " + pl.Series(chance().integers(0, 3_000, ROWS)).cast(pl.String),
        pl.Series([None] * 995 + [1, 2, 3, 4, 5]),
    ],
)
def test_values_that_only_happen_to_differ_name_no_rows(cells: pl.Series) -> None:
    assert leaks(table(BINARY, name=cells)) == []


def test_constants_are_named_together() -> None:
    constants = {f"c{n}": pl.lit("same") for n in range(7)}
    gone = pl.lit(None, pl.String)

    found = leaks(table(BINARY, **constants, gone=gone, some=pl.Series([1, None] * 500)))

    assert kinds(found) == ["constant", "constant"]
    assert [leak.columns for leak in found] == [["gone"], list(constants)]
    assert found[0].message.startswith("column 'gone' has no value in any row of train: ")
    assert found[1].message.startswith("7 columns ('c0', 'c1', 'c2', 'c3', 'c4' and 2 more) have ")


@pytest.mark.parametrize("repeat", [" the quick brown fox jumps", "語彙"])
def test_free_text_is_found(repeat: str) -> None:
    texts = [f"{n} {repeat * (3 if repeat[0] == ' ' else 50)}" for n in range(ROWS)]

    found = only(leaks(table(BINARY, note=pl.Series(texts))))

    assert (found.kind, found.columns) == ("free_text", ["note"])
    assert "700 of 700 values" in found.message


def test_a_few_long_categories_are_no_free_text() -> None:
    long = "a category with a rather long name, number " + table(BINARY)["plan"]

    assert leaks(table(BINARY, long=long)) == []
