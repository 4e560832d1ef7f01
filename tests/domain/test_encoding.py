"""Tables become the same numbers as rows do, bit for bit."""

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.choices import TaskType
from mlsys.domain.encoding import encode_examples, encode_frame, encode_target
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Feature, Kind, Plan
from mlsys.domain.planning import fit_plan
from mlsys.domain.row_encoding import encode_row, encode_rows

WORDS = st.sampled_from(["", "a", "b", "ä", "🦆", "unseen"])
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - UTC by default
COLUMNS: dict[Kind, list[tuple[pl.DataType, st.SearchStrategy[Any]]]] = {
    "numeric": [
        (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
        (pl.UInt8(), st.integers(0, 255)),
        (pl.UInt64(), st.integers(0, 2**64 - 1)),
        (pl.Float64(), st.floats(allow_nan=False, allow_infinity=False)),
        (pl.Float32(), st.floats(allow_nan=False, allow_infinity=False, width=32)),
    ],
    "boolean": [(pl.Boolean(), st.booleans())],
    "category": [(dtype, WORDS) for dtype in (pl.String(), pl.Categorical())],
    "datetime": [
        (pl.Date(), st.dates()),
        (pl.Datetime("us"), st.datetimes()),
        (pl.Datetime("ms"), MOMENTS.map(lambda moment: moment.replace(microsecond=7_000))),
        (pl.Datetime("ns"), MOMENTS),
        (
            pl.Datetime("us", "Europe/Berlin"),
            MOMENTS.map(lambda moment: moment.replace(tzinfo=timezone(timedelta(hours=-5)))),
        ),
    ],
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[Plan, pl.DataFrame, list[dict[str, Any]]]:
    """A plan, a table, and its rows as JSON; some columns are absent, some words unseen."""
    rows = draw(st.integers(0, 8))
    features, columns, written = [], {}, []
    for place, kind in enumerate(draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1))):
        name = f"{kind} {place}"
        dtype, values = draw(st.sampled_from(COLUMNS[kind]))
        known = draw(st.sets(WORDS)) - {"unseen"} if kind == "category" else set()
        features.append(
            Feature(name=name, kind=kind, nullable=True, vocabulary=tuple(sorted(known)))
        )
        column = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        if draw(st.integers(0, 4)) == 0:
            continue
        columns[name] = pl.Series(column, dtype=dtype)
        written.append(name)
    frame = pl.DataFrame(columns) if columns else pl.DataFrame(height=rows)
    texts = [
        json.dumps({name: columns[name][row] for name in written}, default=_rfc3339)
        for row in range(rows)
    ]
    plan = Plan(features=tuple(features), target="y", task_kind="regression")
    return plan, frame, [json.loads(text) for text in texts]


def _rfc3339(value: date | datetime) -> str:
    return value.isoformat()


@given(tables())
def test_a_row_has_the_same_bits_in_a_table_and_in_json(
    drawn: tuple[Plan, pl.DataFrame, list[dict[str, Any]]],
) -> None:
    plan, frame, rows = drawn

    matrix = encode_frame(plan, frame)

    assert matrix.tobytes() == encode_rows(plan, rows).matrix.tobytes()


@given(tables())
def test_a_row_alone_has_the_same_bits_as_among_others(
    drawn: tuple[Plan, pl.DataFrame, list[dict[str, Any]]],
) -> None:
    plan, _, rows = drawn

    matrix = encode_rows(plan, rows).matrix
    alone = [encode_row(plan, row) for row in rows]

    for place, row in enumerate(alone):
        told = encode_rows(plan, [rows[place]]).matrix if row is None else np.array([row])
        assert told.tobytes() == matrix[place].tobytes()


def test_what_is_finer_than_a_microsecond_is_cut_off_alike() -> None:
    plan = Plan(
        features=(Feature(name="x", kind="datetime", nullable=False),),
        target="y",
        task_kind="regression",
    )
    frame = pl.DataFrame({"x": pl.Series([-1, 1_999]).cast(pl.Datetime("ns"))})
    texts = ["1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00.000001999Z"]

    matrix = encode_rows(plan, [{"x": text} for text in texts]).matrix

    assert encode_frame(plan, frame).tobytes() == matrix.tobytes()


def test_only_train_teaches() -> None:
    train = pl.DataFrame({"x": ["a", "b", None] * 10, "n": [1.5, 2, 3] * 10, "y": [0, 1, 1] * 10})
    plan = fit_plan(train, target="y", task_type=TaskType.CLASSIFICATION)
    before = plan.model_dump_json()
    other = pl.DataFrame({"x": ["c", "a"], "n": [None, 1e9], "y": [1, 0]})

    for val in (other, other.reverse()):
        encode_examples(plan, val)

        assert plan.model_dump_json() == before
    np.testing.assert_array_equal(
        encode_frame(plan, other), encode_frame(plan, other.reverse())[::-1]
    )
    assert encode_frame(plan, other).tolist()[0][0] == 2
    assert encode_examples(plan, other).categorical == (True, False)


def test_all_columns_that_do_not_fit_are_told_at_once() -> None:
    names: list[tuple[str, Kind]] = [("a", "numeric"), ("b", "numeric"), ("c", "category")]
    plan = Plan(
        features=tuple(Feature(name=name, kind=kind, nullable=False) for name, kind in names),
        target="y",
        task_kind="regression",
    )

    with pytest.raises(InvalidInput, match=r"^a: the column is missing$") as refusal:
        encode_frame(plan, pl.DataFrame({"b": [1.0, float("inf")], "c": [1, 2]}))

    assert refusal.value.violations == (
        Violation("a", "the column is missing"),
        Violation("b", "the column holds an infinity"),
        Violation("c", "the column was category in training and is Int64 now"),
    )


def test_a_column_without_values_is_missing_throughout() -> None:
    plan = Plan(
        features=(Feature(name="x", kind="category", nullable=False, vocabulary=("a",)),),
        target="y",
        task_kind="regression",
    )

    assert np.isnan(encode_frame(plan, pl.DataFrame({"x": [None, None]}))).all()


@pytest.mark.parametrize(
    ("train", "later", "expected"),
    [
        ([False, True], [True, False], [1, 0]),
        ([10, 9, 2], [9, 2, 10], [1, 0, 2]),
        ([0, 1], [1.0, 0.0], [1, 0]),
        (["10", "9"], pl.Series(["9", "10"], dtype=pl.Categorical), [1, 0]),
    ],
)
def test_labels_become_their_places(train: Any, later: Any, expected: list[float]) -> None:
    plan = labelled(train)

    assert encode_target(plan, pl.Series("y", later)).tolist() == expected


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ([0, 2, 3], r"labels that train does not have: \[2, 3\]"),
        ([0, None], "every row needs a class, 1 lack it"),
        (["0", "1"], "labels were Int64 in training and are String now"),
        ([True, False], "labels were Int64 in training and are Boolean now"),
    ],
)
def test_labels_that_train_did_not_have_are_refused(later: list[Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        encode_target(labelled([0, 1]), pl.Series("y", later))


def test_the_target_of_a_regression_is_itself() -> None:
    train = pl.DataFrame({"x": [1, 2], "y": [1.5, 2.5]})
    plan = fit_plan(train, target="y", features=["x"], task_type=TaskType.REGRESSION)

    assert encode_target(plan, pl.Series("y", [3, 4])).tolist() == [3, 4]
    with pytest.raises(InvalidInput, match="finite target"):
        encode_target(plan, pl.Series("y", [3, None]))


def labelled(values: list[Any]) -> Plan:
    train = pl.DataFrame({"y": values}).with_columns(x=pl.int_range(pl.len()))
    return fit_plan(train, target="y", task_type=TaskType.CLASSIFICATION)
