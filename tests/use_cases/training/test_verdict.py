"""The winner: calibrated and given a threshold on rows held out, refitted, judged on test once."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.artifacts import load_model, model_files
from mlsys.domain.choices import ModelType
from mlsys.domain.evaluation.metrics import resolve_metric
from mlsys.domain.learners.base import Examples, Floats
from mlsys.domain.split_records import Split
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.verdict import Winner
from tests.use_cases.training.crownings import changed, crowned, prepared, rewrite_part

MENDED: dict[str, Any] = {
    "calibration": "sigmoid",
    "threshold_metric": "f1",
    "feature_columns": ["noise", "colour"],
}
MANY: dict[str, Any] = {
    "target_column": "grade",
    "calibration": "isotonic",
    "feature_columns": ["size", "colour", "day"],
}
VALUE: dict[str, Any] = {"target_column": "price", "task_type": "regression"}


def files(winner: Winner) -> dict[str, bytes]:
    return model_files(ModelType(winner.best.model_type), winner.model)


def shuffled(values: Floats) -> Floats:
    return np.random.default_rng(1).permutation(values)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_labels_of_test_decide_nothing(ready_split: Split, runtime: Runtime, method: str) -> None:
    training = prepared(ready_split, runtime, **{**MENDED, "calibration": method})
    test = training.parts["test"]

    before = crowned(training)
    after = crowned(changed(training, "test", target=1 - test.target))

    assert files(after) == files(before)
    assert after.verdict.test != before.verdict.test


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_labels_of_val_decide_threshold_calibration_and_model(
    ready_split: Split, runtime: Runtime, method: str
) -> None:
    training = prepared(ready_split, runtime, **{**MENDED, "calibration": method})
    val = training.parts["val"]

    before = crowned(training)
    after = crowned(changed(training, "val", target=shuffled(val.target)))

    same = {name for name, content in files(before).items() if files(after)[name] == content}
    assert same == {"preprocess.json"} | ({"signature.json"} if _as_good(before, after) else set())


def _as_good(before: Winner, after: Winner) -> bool:
    return before.model.postprocess.threshold == after.model.postprocess.threshold


def test_the_threshold_is_the_best_on_rows_held_out_after_calibration(
    ready_split: Split, runtime: Runtime
) -> None:
    training = prepared(ready_split, runtime, **MENDED)

    winner = crowned(training)

    chosen = winner.verdict.threshold
    assert chosen is not None
    assert winner.model.postprocess.threshold == chosen.threshold
    f1 = winner.verdict.judgement.parts["val"].metrics["f1"]
    assert f1 == chosen.value
    plain = crowned(prepared(ready_split, runtime, feature_columns=["noise", "colour"]))
    assert plain.model.postprocess.threshold == 0.5
    assert f1 >= plain.verdict.judgement.parts["val"].metrics["f1"]


@pytest.mark.parametrize("model_type", list(ModelType))
@pytest.mark.parametrize("fields", [MENDED, MANY], ids=["two", "many"])
def test_what_is_loaded_again_predicts_the_same_bits(
    ready_split: Split, runtime: Runtime, model_type: ModelType, fields: dict[str, Any]
) -> None:
    training = prepared(ready_split, runtime, model_type=model_type, **fields)
    test = training.parts["test"].matrix

    winner = crowned(training)

    loaded = load_model(model_type, files(winner))
    predicted = winner.model.predict(test)
    np.testing.assert_array_equal(loaded.predict(test), predicted)
    assert not np.array_equal(winner.model.booster.predict(test), predicted)
    reported = winner.verdict.judgement.parts["test"].metrics["log_loss"]
    log_loss = resolve_metric("log_loss", training.plan.task)
    assert reported == log_loss.value(training.parts["test"].target, predicted)


def test_the_refit_learns_from_train_and_val_with_their_weights(
    ready_split: Split, runtime: Runtime
) -> None:
    training = prepared(ready_split, runtime, weight_column="price", cv_folds=2)
    val = training.parts["val"]
    empty = Examples(val.matrix[:0], val.target[:0], val.categorical, np.empty(0))

    both = crowned(training)
    other_weights = crowned(with_val(training, replace(val, weights=shuffled(_known(val)))))
    other_labels = crowned(with_val(training, replace(val, target=1 - val.target)))
    train_only = crowned(with_val(training, empty))

    models = [files(one)["model.txt"] for one in (both, other_weights, other_labels, train_only)]
    assert len(set(models)) == 4


def with_val(training: Training, val: Examples) -> Training:
    """Change val, which no fold looks at."""
    return replace(training, parts={**training.parts, "val": val})


def _known(rows: Examples) -> Floats:
    assert rows.weights is not None
    return rows.weights


def test_constraints_and_weights_of_classes_hold_in_the_refit(
    ready_split: Split, runtime: Runtime
) -> None:
    fields = {"monotone_constraints": {"noise": 1}, "class_weight": "balanced"}
    training = prepared(ready_split, runtime, **fields)

    winner = crowned(training)

    place = [feature.name for feature in training.plan.features].index("noise")
    sweep = np.repeat(training.parts["test"].matrix[:1], 101, axis=0)
    sweep[:, place] = np.arange(101)
    assert (np.diff(winner.model.predict(sweep)) >= 0).all()
    plain = crowned(prepared(ready_split, runtime, monotone_constraints={"noise": 1}))
    assert files(plain)["model.txt"] != files(winner)["model.txt"]
    assert any("class_weight distorts" in one for one in winner.verdict.warnings)


def test_weights_of_classes_that_are_mended_again_distort_nothing(
    ready_split: Split, runtime: Runtime
) -> None:
    fields = {"class_weight": "balanced", "calibration": "sigmoid"}

    warnings = crowned(prepared(ready_split, runtime, **fields)).verdict.warnings

    assert not any("class_weight" in one for one in warnings)


def test_steps_on_few_rows_are_warned_of(ready_split: Split, runtime: Runtime) -> None:
    warnings = crowned(prepared(ready_split, runtime, calibration="isotonic")).verdict.warnings

    assert any("isotonic suits 1000 rows or more" in one for one in warnings)


def test_what_cannot_be_calibrated_is_left_as_it_is(ready_split: Split, runtime: Runtime) -> None:
    fields = {**MENDED, "metric_name": "accuracy"}
    training = prepared(ready_split, runtime, **fields)
    val = training.parts["val"]

    winner = crowned(changed(training, "val", target=np.ones_like(val.target)))

    assert winner.model.postprocess.calibration is None
    assert any("calibration: left out" in one for one in winner.verdict.warnings)


def test_test_rows_that_cannot_tell_are_warned_of(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, runtime)
    test = training.parts["test"]

    winner = crowned(changed(training, "test", target=np.zeros_like(test.target)))
    empty = Examples(test.matrix[:0], test.target[:0], test.categorical)
    without = crowned(replace(training, parts={**training.parts, "test": empty}))

    assert winner.verdict.test is None
    assert any(one.startswith("test: roc_auc is undefined") for one in winner.verdict.warnings)
    assert "accuracy" in winner.verdict.judgement.parts["test"].metrics
    assert without.verdict.test is None
    assert "test" not in without.verdict.judgement.parts
    assert any("no rows" in one for one in without.verdict.warnings)


def test_a_regression_has_neither_threshold_nor_calibration(
    ready_split: Split, runtime: Runtime
) -> None:
    winner = crowned(prepared(ready_split, runtime, slices=["colour", "noise"], **VALUE))

    assert json.loads(files(winner)["signature.json"])["output"] == {
        "bands": {},
        "calibration": None,
        "classes": [],
        "clip": None,
        "target": "price",
        "task": "regression",
        "threshold": None,
    }
    slices = winner.verdict.judgement.slices
    assert [one.slice for one in slices["colour"]["test"]] == ["red", "green", "blue", "missing"]
    assert {" to " in one.slice for one in slices["noise"]["test"]} == {True}
    rows = winner.verdict.judgement.parts["test"].rows
    assert [sum(one.rows for one in slices[name]["test"]) for name in slices] == [rows, rows]


def test_slices_of_folds_are_of_the_rows_of_train(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, runtime, cv_folds=2, slices=["colour"])

    judgement = crowned(training).verdict.judgement

    [red] = [one for one in judgement.slices["colour"]["out_of_fold"] if one.slice == "red"]
    assert red.rows == (training.slices["train"]["colour"] == "red").sum()
    assert judgement.parts["out_of_fold"].rows == len(training.parts["train"].target)
    assert {name: one.learnt_from for name, one in judgement.parts.items()} == {
        "out_of_fold": False,
        "test": False,
        "train": True,
    }


def test_the_values_of_val_and_test_rows_decide_nothing_about_how_rows_become_numbers(
    ready_split: Split, runtime: Runtime
) -> None:
    before = prepared(ready_split, runtime, slices=["noise"], **MENDED)
    names = ["size", "colour", "noise", "kind", "price"]
    shuffles = {name: pl.col(name).shuffle(seed) for seed, name in enumerate(names)}
    for part in ("val", "test"):
        [split] = SPLITS.list(records=runtime.records).values
        rewrite_part(split, part, shuffles, runtime)
    [split] = SPLITS.list(records=runtime.records).values

    after = prepared(split, runtime, slices=["noise"], **MENDED)

    assert not np.array_equal(after.parts["val"].matrix, before.parts["val"].matrix, equal_nan=True)
    assert files(crowned(after))["preprocess.json"] == files(crowned(before))["preprocess.json"]
