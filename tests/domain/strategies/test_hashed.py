"""`hash`: a row's part follows from its keys alone, by a hash that anyone can compute."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.splitting import assigner
from mlsys.domain.strategies.texts import hash_rows, texts
from tests.domain.strategies.passes import CUTS, RATIOS, blocks, names_of, sizes_of, split

KEY = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=12)
MANY = [f"customer {n}" for n in range(400)]


def part_of(key: str, ratios: Ratios) -> str:
    """Say it as docs/splits.md does."""
    point = Fraction(int.from_bytes(sha256(key.encode()).digest()[:8], "big"), 2**64)
    exact = ratios.exact()
    if point < exact["train"]:
        return "train"
    return "val" if point < exact["train"] + exact["val"] else "test"


@given(st.lists(KEY, max_size=40), RATIOS, CUTS)
def test_anyone_can_say_where_a_row_goes(keys: list[str], ratios: Ratios, cuts: list[int]) -> None:
    table = pl.DataFrame({"k": [*MANY, *keys]})

    found = split(table, cuts=cuts, strategy="hash", ratios=ratios)

    assert names_of(found) == [part_of(key, ratios) for key in table["k"]]


@given(st.permutations(MANY[:100]), st.integers(60, 100))
def test_a_row_keeps_its_part_when_the_table_grows(order: list[str], rows: int) -> None:
    small, large = pl.DataFrame({"k": order[:rows]}), pl.DataFrame({"k": sorted(order)})

    before, after = (
        dict(zip(table["k"], names_of(split(table, strategy="hash")), strict=True))
        for table in (small, large)
    )

    assert before.items() <= after.items()


@pytest.mark.parametrize(
    "same",
    [
        pl.Series([7, 8] * 50),
        pl.Series(["7", "8"] * 50),
        pl.Series([7.0, 8.0] * 50),
        pl.Series([Decimal("7.00"), Decimal("8.00")] * 50),
    ],
    ids=["integer", "text", "float", "decimal"],
)
def test_a_key_is_the_same_in_any_type(same: pl.Series) -> None:
    table = pl.DataFrame({"k": [*same.cast(pl.Float64).cast(pl.Int64), *range(1000)]})
    wanted = split(table, strategy="hash").codes[:100]

    mixed = texts(same).append(texts(pl.Series(range(1000))))

    assert split(pl.DataFrame({"k": mixed}), strategy="hash").codes[:100].tolist() == (
        wanted.tolist()
    )


def test_keys_are_taken_in_the_order_of_their_names() -> None:
    table = pl.DataFrame({"b": MANY, "a": range(400)})
    ways = [
        assigner(SplitParams(strategy="hash"), names=table.columns, keys=keys)
        for keys in (["a", "b"], ["b", "a"], ["b", "a", "b"])
    ]

    found = [names_of(way.assign(table, 0)) for way in ways]

    wanted = [part_of(f"{n}\x1fcustomer {n}", Ratios()) for n in range(400)]
    assert found == [wanted, wanted, wanted]


def test_a_key_of_which_a_part_is_missing_has_a_zero_there() -> None:
    table = pl.DataFrame({"a": [None, "x", *MANY], "b": ["x", None, *MANY]})
    made = assigner(SplitParams(strategy="hash"), names=["a", "b"], keys=["a", "b"])

    found = names_of(made.assign(table, 0))

    assert found[:2] == [part_of("\0\x1fx", Ratios()), part_of("x\x1f\0", Ratios())]
    made.finish()


def test_a_row_without_any_key_is_refused_when_all_were_seen() -> None:
    table = pl.DataFrame({"k": [*MANY, None, "x", None]})
    made = assigner(SplitParams(strategy="hash"), names=["k"], keys=["k"], first_row=2)
    for start, block in blocks(table, [401]):
        made.assign(block, start)

    with pytest.raises(InvalidInput, match=r"key in every row, and 2 row.* row 402, 404$"):
        made.finish()


def test_a_part_that_gets_no_row_is_refused_naming_it() -> None:
    table = pl.DataFrame({"k": ["x", "x", "x", "x"]})

    with pytest.raises(InvalidInput, match=r"no row, of 4: hash shares rows only nearly.*random"):
        split(table, strategy="hash")


def test_shares_come_out_nearly() -> None:
    table = pl.DataFrame({"k": range(20_000)})

    sizes = sizes_of(split(table, strategy="hash"))

    assert abs(sizes["train"] - 14_000) < 300
    assert abs(sizes["val"] - 3_000) < 250


@given(st.lists(KEY, max_size=60), st.sampled_from(["", "7"]))
def test_hashes_are_those_of_hashlib_however_often_a_key_is_there(
    keys: list[str], prefix: str
) -> None:
    before = f"{prefix}\x1f" if prefix else ""

    for table in (
        pl.DataFrame({"k": keys}, schema={"k": pl.String}),
        pl.DataFrame({"k": keys * 9}),
    ):
        found = hash_rows(table.cast(pl.String), ["k"], prefix=prefix).tolist()

        assert found == [
            int.from_bytes(sha256((before + key).encode()).digest()[:8], "big")
            for key in table["k"].to_list()
        ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("001", "001"),
        (2**63 - 1, "9223372036854775807"),
        (True, "true"),
        (-0.0, "0"),
        (-7.0, "-7"),
        (0.1, "0.1"),
        (1e22, "1e+22"),
        (Decimal("0.50"), "0.5"),
        (Decimal("100.00"), "100"),
        (Decimal(100), "100"),
        (date(2026, 11, 1), "2026-11-01"),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "2026-11-01T12:00:00.000000Z"),
    ],
    ids=str,
)
def test_a_value_has_one_text(value: Any, text: str) -> None:
    assert texts(pl.Series([value, None])).to_list() == [text, None]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_as_briefly_as_it_can_be_read_back(value: float) -> None:
    text = texts(pl.Series([value]))[0]

    assert float(text) == value
    assert len(text) <= len(repr(value))
