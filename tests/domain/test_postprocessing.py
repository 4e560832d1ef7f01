"""What can be asked for besides a prediction, what cannot, and what is made of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.artifacts import Postprocess
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.calibration import Calibration, Isotonic
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.postprocess_wish import PostprocessWish, check_bands
from mlsys.domain.postprocessing import Bands
from mlsys.domain.split_records import Column, ColumnType
from mlsys.domain.wishes import wish_problems
from mlsys.edge.parsing import parse_model

COLUMN = Column(name="y", type=ColumnType.INTEGER, nullable=False)
RISK = {"cut_points": [0.2, 0.6], "labels": ["low", "medium", "high"]}


def problems(postprocess: dict[str, Any], task_type: str = "classification") -> dict[str, str]:
    """Return what is said against a request, by place."""
    fields = {"name": "toys", "target_column": "y", "model_type": "lightgbm"}
    wish = {**fields, "task_type": task_type, "postprocess": postprocess}
    told = wish_problems(parse_model(wish, ExperimentWish), [COLUMN])
    return {one.field: one.description for one in told}


@pytest.mark.parametrize(
    ("postprocess", "task_type"),
    [
        ({}, "classification"),
        ({"bands": {"risk_level": RISK}}, "classification"),
        ({"bands": {"a": RISK, "b": {"cut_points": [1], "labels": ["x", "y"]}}}, "classification"),
        ({"clip": {"lower": 0}}, "regression"),
        ({"clip": {"lower": -1, "upper": 1.5}}, "regression"),
    ],
    ids=str,
)
def test_what_fits(postprocess: dict[str, Any], task_type: str) -> None:
    assert problems(postprocess, task_type) == {}


def test_everything_wrong_is_told_at_once() -> None:
    wrong = {
        "risk": {"cut_points": [0.6, 0.2], "labels": ["low", "low"]},
        "1st": RISK,
        "probability": RISK,
    }

    told = problems({"bands": wrong, "clip": {"lower": 3, "upper": 3}})

    assert told == {
        "postprocess.bands.risk.cut_points": "expected to ascend, got [0.6, 0.2]",
        "postprocess.bands.risk.labels": "expected 3, one more than cut points, got 2",
        "postprocess.bands.risk.labels[1]": "'low' stands twice",
        "postprocess.bands.1st": "expected a name of letters, digits and _, at most 63, that "
        "begins with no digit",
        "postprocess.bands.probability": "every prediction has a member of this name: take another",
        "postprocess.clip": "is for regression, and task_type is classification",
        "postprocess.clip.upper": "expected to be above lower, 3, got 3",
    }


def test_bands_are_not_for_regression_and_bounds_have_to_bind() -> None:
    assert problems({"bands": {"risk": RISK}, "clip": {}}, "regression") == {
        "postprocess.bands.risk": "is for two classes, and task_type is regression",
        "postprocess.clip": "expected lower, upper or both",
    }


@pytest.mark.parametrize(
    ("bands", "place"),
    [
        ({"cut_points": [0, 0.5], "labels": ["a", "b", "c"]}, "cut_points[0]"),
        ({"cut_points": [0.5, 1.1], "labels": ["a", "b", "c"]}, "cut_points[1]"),
        ({"cut_points": [], "labels": ["a"]}, "cut_points"),
        ({"cut_points": ["0.5"], "labels": ["a", "b"]}, "cut_points[0]"),
        ({"cut_points": [0.5], "labels": ["a", ""]}, "labels[1]"),
        ({"cut_points": [0.5], "labels": ["a", "b"], "name": "risk"}, "name"),
    ],
    ids=str,
)
def test_what_is_no_band_is_refused_with_its_place(bands: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_model({"bands": {"risk": bands}}, PostprocessWish)

    assert f"bands.risk.{place}" in {one.field for one in caught.value.violations}


@pytest.mark.parametrize("task_kind", ["multiclass", "regression"])
def test_bands_want_two_classes_once_the_data_are_known(task_kind: str) -> None:
    wish = PostprocessWish.model_validate({"bands": {"risk": RISK}})

    with pytest.raises(InvalidInput, match=rf"bands\.risk: two classes .* this is {task_kind}"):
        check_bands(wish, task_kind=task_kind)


def test_without_bands_any_task_will_do() -> None:
    check_bands(None, task_kind="multiclass")
    check_bands(PostprocessWish(), task_kind="multiclass")
    check_bands(PostprocessWish.model_validate({"bands": {"risk": RISK}}), task_kind="binary")


@given(
    cuts=st.lists(st.floats(0, 1, exclude_min=True), min_size=1, max_size=8, unique=True),
    probability=st.floats(0, 1),
)
def test_a_band_is_as_high_as_there_are_cut_points_not_above(
    cuts: list[float], probability: float
) -> None:
    bands = Bands(cut_points=tuple(sorted(cuts)), labels=tuple(map(str, range(len(cuts) + 1))))

    band = bands.of(probability)

    assert int(band) == sum(cut <= probability for cut in cuts)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (None, [-2.0, 0.5, 9.0]),
        ({}, [-2.0, 0.5, 9.0]),
        ({"lower": 0}, [0.0, 0.5, 9.0]),
        ({"upper": 1}, [-2.0, 0.5, 1.0]),
        ({"lower": 0, "upper": 1}, [0.0, 0.5, 1.0]),
    ],
    ids=str,
)
def test_values_are_kept_within_their_bounds(clip: Any, expected: list[float]) -> None:
    stored = Postprocess.model_validate({"clip": clip})

    assert stored.mended(np.array([-2.0, 0.5, 9.0])).tolist() == expected


def test_a_file_of_an_older_release_calibrates_and_does_nothing_else() -> None:
    curve = Isotonic(scores=(0.0, 1.0), probabilities=(0.25, 0.75))
    before = {"threshold": 0.4, "calibration": Calibration(curves=(curve,)).model_dump()}

    stored = Postprocess.model_validate(before)

    assert (stored.threshold, stored.bands, stored.clip) == (0.4, {}, None)
    assert stored.mended(np.array([0.0, 0.5])).tolist() == [0.25, 0.5]
