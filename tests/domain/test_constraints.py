"""Along which columns a prediction may only rise or fall, as a plan is told."""

import polars as pl
import pytest

from mlsys.domain.choices import TaskType
from mlsys.domain.encoding import encode_examples
from mlsys.domain.errors import InvalidInput
from mlsys.domain.features import Direction, Plan
from mlsys.domain.planning import fit_plan

TABLE = pl.DataFrame(
    {
        "word": ["a", "b", "c", "a"] * 3,
        "age": [1.5, 2.5, 3.5] * 4,
        "open": [True, False, None] * 4,
        "since": pl.Series([1, 2, 3, 4] * 3).cast(pl.Date),
        "same": [1] * 12,
        "w": [1.0, 2.0] * 6,
        "y": [0, 1] * 6,
        "colour": [0, 1, 2] * 4,
    }
)


def planned(
    monotone: dict[str, Direction], *, target: str = "y", features: list[str] | None = None
) -> Plan:
    return fit_plan(
        TABLE,
        target=target,
        features=features,
        task_type=TaskType.CLASSIFICATION,
        weight="w",
        monotone=monotone,
    )


def test_constraints_are_kept_by_name_in_the_order_of_the_columns() -> None:
    plan = planned({"since": 1, "age": -1, "open": 1, "word": 0})

    assert [feature.name for feature in plan.features] == ["word", "age", "open", "since", "colour"]
    assert plan.monotone == (0, -1, 1, 1, 0)
    assert encode_examples(plan, TABLE).monotone == plan.monotone
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize("monotone", [{}, {"age": 0}, {"word": 0, "same": 0, "y": 0}])
def test_a_direction_of_0_asks_for_nothing(monotone: dict[str, Direction]) -> None:
    assert planned(monotone) == planned({})
    assert planned(monotone).monotone == ()


def test_all_constraints_that_cannot_be_kept_are_told_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"^monotone_constraints\.none: there is no") as refusal:
        planned({"none": 0, "age": 1, "word": 1, "same": -1, "y": 1, "w": 1})

    assert {one.field: one.description for one in refusal.value.violations} == {
        "monotone_constraints.none": (
            "there is no column 'none'; there are: word, age, open, since, same, w, y, colour"
        ),
        "monotone_constraints.word": "'word' is a category, which has no order",
        "monotone_constraints.same": (
            "'same' is left out, unless feature_columns name it: it is constant in train"
        ),
        "monotone_constraints.y": "'y' is no feature; only those can be constrained",
        "monotone_constraints.w": "'w' is no feature; only those can be constrained",
    }


def test_what_is_not_among_the_features_cannot_be_constrained() -> None:
    with pytest.raises(InvalidInput, match="'age' is no feature; only those can be constrained"):
        planned({"age": 1}, features=["open"])


def test_many_classes_have_no_direction() -> None:
    with pytest.raises(InvalidInput, match=r"\.age: a prediction among 3 classes has no direction"):
        planned({"age": 1}, target="colour")
    assert planned({"age": 0}, target="colour").monotone == ()
