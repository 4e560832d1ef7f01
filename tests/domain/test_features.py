"""Rows of JSON become numbers, or a list of all that is wrong with them."""

from typing import Any

import numpy as np
import pytest

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Feature, Kind, Label, LeftOut, Plan
from mlsys.domain.row_encoding import MAX_VIOLATIONS, Encoded, encode_rows

NAN = float("nan")
DAY_2024 = 19_723.0


def plan_of(*features: Feature) -> Plan:
    return Plan(features=features, target="y", task_kind="regression")


def feature(kind: Kind, *, nullable: bool = True, name: str = "x") -> Feature:
    vocabulary = ("blue", "red") if kind == "category" else ()
    return Feature(name=name, kind=kind, nullable=nullable, vocabulary=vocabulary)


def encoded(kind: Kind, *values: Any, nullable: bool = True) -> Encoded:
    plan = plan_of(feature(kind, nullable=nullable))
    return encode_rows(plan, [{"x": value} for value in values])


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("numeric", [41, 4.5, None, -0.0, 2**70], [41, 4.5, NAN, 0, 2.0**70]),
        ("boolean", [True, None, False], [1, NAN, 0]),
        ("category", ["red", "blue", None, "RED", ""], [1, 0, NAN, 2, 2]),
        ("datetime", ["2024-01-01", "1969-12-31", None], [DAY_2024, -1, NAN]),
        ("datetime", ["2024-01-01T12:00:00", "2024-01-01T12:00:00Z"], [DAY_2024 + 0.5] * 2),
        ("datetime", ["2024-01-01T01:00:00+01:00", "2023-12-31T18:00:00-06:00"], [DAY_2024] * 2),
        ("datetime", ["0001-01-01T00:00:00+14:00"], [-719_162 - 14 / 24]),
        ("datetime", ["9999-12-31T23:00:00-12:00"], [2_932_896 + 35 / 24]),
    ],
)
def test_values_become_numbers(kind: Kind, values: list[Any], expected: list[float]) -> None:
    matrix, _ = encoded(kind, *values)

    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix[:, 0], expected)


@pytest.mark.parametrize("alone", [False, True], ids=["among others", "alone"])
@pytest.mark.parametrize(
    ("kind", "value", "description"),
    [
        ("numeric", "41", 'expected a number, got "41"'),
        ("numeric", True, "expected a number, got true"),
        ("numeric", [1], "expected a number, got a list"),
        ("numeric", {"a": 1}, "expected a number, got an object"),
        ("numeric", NAN, "expected a finite number, got NaN"),
        ("numeric", float("-inf"), "expected a finite number, got -Infinity"),
        ("numeric", 10**400, f"expected a number below 1.8e308, got 1{'0' * 79}"),
        ("boolean", 1, "expected true or false, got 1"),
        ("boolean", "true", 'expected true or false, got "true"'),
        ("category", 3, "expected text, got 3"),
        ("datetime", 20240131, "such as 2024-01-31T12:00:00Z, got 20240131"),
        ("datetime", "yesterday", 'such as 2024-01-31T12:00:00Z, got "yesterday"'),
        ("datetime", "2024-02-30", "2024-02-30"),
    ],
)
def test_a_value_of_another_kind_is_refused(
    kind: Kind, value: Any, description: str, *, alone: bool
) -> None:
    good: dict[Kind, Any] = {
        "numeric": 1,
        "boolean": False,
        "category": "red",
        "datetime": "2024-01-01",
    }

    with pytest.raises(InvalidInput) as refusal:
        encoded(kind, *([value] if alone else [good[kind], value, None]))

    [violation] = refusal.value.violations
    assert violation.field == f"instances[{0 if alone else 1}].x"
    assert description in violation.description


@pytest.mark.parametrize("kind", ["numeric", "boolean", "category", "datetime"])
def test_what_is_not_nullable_must_be_there(kind: Kind) -> None:
    plan = plan_of(feature(kind, nullable=False))

    with pytest.raises(InvalidInput) as refusal:
        encode_rows(plan, [{"x": None}, {"X": 1}])

    assert [violation.field for violation in refusal.value.violations] == [
        "instances[0].x",
        "instances[1].x",
    ]
    assert refusal.value.violations[0].description.endswith("got null")
    assert refusal.value.violations[1].description.endswith("got no such column")


def test_all_problems_are_told_at_once_in_the_order_of_the_rows() -> None:
    plan = plan_of(feature("numeric", name="age"), feature("boolean", name="paid"))
    rows = [{"age": 1, "paid": "no"}, {"age": 2, "paid": None}, {"age": "x", "paid": 1}]

    with pytest.raises(InvalidInput, match=r"^3 of the values .* instances\[0\].paid: ") as refusal:
        encode_rows(plan, rows)

    assert refusal.value.violations == (
        Violation("instances[0].paid", 'expected true or false, got "no"'),
        Violation("instances[2].age", 'expected a number, got "x"'),
        Violation("instances[2].paid", "expected true or false, got 1"),
    )


def test_of_many_problems_the_first_are_told() -> None:
    with pytest.raises(InvalidInput, match=r"^at least 100 of the values") as refusal:
        encoded("numeric", *["x"] * 500)

    assert len(refusal.value.violations) == MAX_VIOLATIONS


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        encode_rows(plan_of(feature("numeric")), [{"x": 1}, [1], None, "x"])

    assert refusal.value.violations == (
        Violation("instances[1]", "expected an object, got a list"),
        Violation("instances[2]", "expected an object, got null"),
        Violation("instances[3]", 'expected an object, got "x"'),
    )


def test_unknown_categories_and_extra_columns_are_told() -> None:
    plan = plan_of(feature("category"))
    rows = [{"x": "pink", "b": 1}, {"x": "mint"}, {"x": "mint", "a": 1, "b": 2}, {"x": "red"}]

    matrix, warnings = encode_rows(plan, rows)

    assert matrix[:, 0].tolist() == [2, 2, 2, 1]
    assert warnings == [
        (
            'x: 3 values are not among the 2 categories known from training, such as "mint"; '
            "they were coded as unknown"
        ),
        '2 columns are no features of this model and were ignored: "b", "a"',
    ]


def test_no_rows_are_an_empty_matrix() -> None:
    kinds: list[Kind] = ["numeric", "boolean", "category", "datetime"]
    plan = plan_of(*(feature(kind, name=kind) for kind in kinds))

    matrix, warnings = encode_rows(plan, [])

    assert (matrix.shape, warnings) == ((0, 4), [])


@pytest.mark.parametrize("labels", [(False, True), (-1, 0, 2**53), ("", "1", "ä"), ()])
def test_a_plan_survives_its_json_byte_for_byte(labels: tuple[Label, ...]) -> None:
    plan = Plan(
        features=(feature("category"), feature("numeric", nullable=False, name='"ä\n')),
        target="y",
        task_kind="multiclass",
        labels=labels,
        left_out=(LeftOut(name="id", reason="it numbers the rows"),),
    )
    encode_rows(plan, [{"x": "red", '"ä\n': 1}])

    text = plan.model_dump_json()
    again = Plan.model_validate_json(text)

    assert again == plan
    assert again.model_dump_json() == text
    assert [type(label) for label in again.labels] == [type(label) for label in labels]
    assert again.categorical == (True, False)
