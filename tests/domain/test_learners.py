"""One contract for the three libraries: what a fit promises. See test_boosters.py, too."""

from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import FORMULAS
from mlsys.domain.evaluation.metrics import constant_prediction, report, resolve_metric
from mlsys.domain.learners.base import Examples, Learner, Monitor, Params, Patience, Task
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.table import load_booster
from mlsys.domain.spaces.search import SPACES, defaults_of
from tests.domain.learning import (
    BINARY,
    CATEGORY,
    CLOSE,
    CONSTANT,
    MULTICLASS,
    REGRESSION,
    SIGNAL,
    UNKNOWN,
    altered,
    examples,
    fit,
    loss_of,
    watching,
)


@pytest.mark.parametrize("categories", [True, False])
@pytest.mark.parametrize("missing", [True, False])
def test_a_fit_beats_a_constant(
    library: Learner, task: Task, *, categories: bool, missing: bool
) -> None:
    train, val = (
        examples(task, seed=seed, categories=categories, missing=missing) for seed in (0, 1)
    )
    constant = constant_prediction(task, train.target, rows=len(val.target))

    prediction = fit(library, task, train=train, rounds=40, params={"learning_rate": 0.2}).predict(
        val.matrix
    )

    loss = loss_of(task)
    assert loss.value(val.target, prediction) < 0.8 * loss.value(val.target, constant)
    assert prediction.dtype == np.float64
    assert prediction.shape == constant.shape
    if task.kind == "multiclass":
        assert prediction.sum(axis=1) == pytest.approx(1)


def test_early_stopping_keeps_the_best_round_and_reloading_changes_no_bit(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    val, loss, seen = examples(task, seed=1), loss_of(task), list[tuple[int, float]]()
    monitor = watching(loss, seen, patience=4)

    booster = fit(
        library, task, val=val, monitor=monitor, rounds=300, params={"learning_rate": 0.9}
    )
    reloaded = load_booster(model_type, booster.to_bytes(), task=task)

    best, value = min(seen, key=lambda one: one[1])
    assert (booster.rounds, len(seen)) == (best, best + ceil(4 + best / 5))
    assert loss.value(val.target, booster.predict(val.matrix)) == pytest.approx(value, rel=CLOSE)
    assert reloaded.rounds == best
    assert reloaded.to_bytes() == booster.to_bytes()
    for ours, theirs in (
        (booster.predict(val.matrix), reloaded.predict(val.matrix)),
        (booster.contributions(val.matrix), reloaded.contributions(val.matrix)),
        (booster.importance(), reloaded.importance()),
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_late_rounds_are_scored_now_and_then_and_the_last_one(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    seen = list[tuple[int, float]]()
    due = [*range(1, 101), 105, 110, 112]

    fit(
        library,
        task,
        val=examples(task, seed=1),
        monitor=watching(loss_of(task), seen),
        rounds=112,
        params={"learning_rate": 0.01},
    )

    heard = [round for round, _ in seen]
    assert heard == ([*range(1, 113)] if model_type is ModelType.CATBOOST else due)


def test_two_fits_of_one_seed_write_the_same_file(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    params = {name: side.at(0) for name, side in SPACES[model_type].items()}

    first, second, other = (
        fit(library, task, params=params | {"learning_rate": rate}) for rate in (0.1, 0.1, 0.2)
    )

    assert first.to_bytes() == second.to_bytes()
    assert first.to_bytes() != other.to_bytes()


def test_a_monitor_hears_of_each_round_and_can_end_the_fit(library: Learner, task: Task) -> None:
    val, seen = examples(task, seed=1), list[tuple[int, float]]()
    monitor = watching(loss_of(task), seen, ends=3)

    booster = fit(library, task, val=val, monitor=monitor)

    assert [round for round, _ in seen] == [1, 2, 3]
    assert booster.rounds <= 3


def test_what_is_watched_is_the_metric_or_a_loss_in_its_direction(
    library: Learner, task: Task
) -> None:
    val = examples(task, seed=1)
    binned = library.bin(examples(task), val, task=task, threads=1)
    itself = set()

    for name in FORMULAS[task.kind]:
        metric, seen = resolve_metric(name, task), list[tuple[int, float]]()
        booster = fit(library, task, binned=binned, monitor=watching(metric, seen))
        prediction = booster.predict(val.matrix)
        value = (max if metric.maximize else min)(value for _, value in seen)
        values = report(task, val.target, prediction)
        if value == pytest.approx(values.get(name, np.nan), rel=CLOSE):
            itself.add(name)
        else:
            loss = values[loss_of(task).name]
            assert value == pytest.approx(-loss if metric.maximize else loss, rel=CLOSE)

    assert (
        itself
        >= {
            "binary": {"roc_auc", "log_loss"},
            "multiclass": {"log_loss"},
            "regression": {"root_mean_squared_error", "mean_absolute_error"},
        }[task.kind]
    )


def test_bins_serve_fits_of_any_parameters(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    val, space = examples(task, seed=1), SPACES[model_type]
    kept = library.bin(examples(task), val, task=task, threads=1)
    monitor = Monitor(loss_of(task).name, maximize=False, patience=Patience(5))

    for params in (
        {name: side.at(1) for name, side in space.items()},
        {name: side.at(0) for name, side in space.items()},
        defaults_of(model_type, space),
    ):
        again = fit(library, task, binned=kept, monitor=monitor, params=params)
        fresh = fit(library, task, val=val, monitor=monitor, params=params)

        assert again.to_bytes() == fresh.to_bytes()


def test_bins_hide_nothing_that_only_few_rows_show(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    rare = (np.arange(600) % 50 == 0).astype(float)
    train = altered(altered(examples(task), CONSTANT, 0.0), CONSTANT, 1.0, every=50)
    few: dict[ModelType, Params] = {
        ModelType.LIGHTGBM: {"min_data_in_leaf": 2},
        ModelType.XGBOOST: {"min_child_weight": 0.1},
        ModelType.CATBOOST: {},
    }

    booster = fit(library, task, train=replace(train, target=rare), params=few[model_type])

    assert booster.importance().argmax() == CONSTANT


def test_val_may_hold_what_train_never_showed(library: Learner, task: Task) -> None:
    train, val = examples(task, missing=False), examples(task, seed=1)
    val = altered(altered(val, CATEGORY, UNKNOWN, every=3), SIGNAL, np.nan)
    loss, seen = loss_of(task), list[tuple[int, float]]()

    booster = fit(library, task, train=train, val=val, monitor=watching(loss, seen))

    value = min(value for _, value in seen)
    assert loss.value(val.target, booster.predict(val.matrix)) == pytest.approx(value, rel=CLOSE)
    assert np.isfinite(booster.contributions(val.matrix)).all()


@pytest.mark.parametrize("categories", [True, False])
def test_one_feature_is_enough(library: Learner, task: Task, *, categories: bool) -> None:
    train = examples(task)
    column = CATEGORY if categories else SIGNAL
    alone = Examples(train.matrix[:, [column]], train.target, (categories,))

    booster = fit(library, task, train=alone, val=alone)

    loss, constant = loss_of(task), constant_prediction(task, train.target, rows=600)
    told = loss.value(train.target, booster.predict(alone.matrix))
    assert told < loss.value(train.target, constant)
    assert booster.importance().shape == (1,)


def test_where_nothing_varies_a_constant_is_learnt_or_nothing(library: Learner, task: Task) -> None:
    train = replace(examples(task), matrix=np.ones((600, 1)), categorical=(False,))
    seen = list[tuple[int, float]]()
    monitor = watching(loss_of(task), seen, patience=3)

    try:
        booster = fit(library, task, train=train, val=train, monitor=monitor)
    except InvalidInput:
        return
    constant = constant_prediction(task, train.target, rows=len(train.target))
    assert booster.predict(train.matrix) == pytest.approx(constant, abs=1e-3)
    assert seen[0][0] == 1


def test_a_class_that_train_lacks_keeps_its_place(library: Learner) -> None:
    train = examples(MULTICLASS)
    gap = replace(train, target=np.where(train.target == 1, 2, train.target))

    probability = fit(library, MULTICLASS, train=gap).predict(train.matrix)

    assert probability.shape == (600, 3)
    assert probability[:, 1].max() < probability[:, [0, 2]].min()


@pytest.mark.parametrize(("task", "metric"), [(BINARY, "auc"), (BINARY, "ap"), (MULTICLASS, "auc")])
def test_a_metric_of_all_classes_needs_them_in_val(
    library: Learner, task: Task, metric: str
) -> None:
    val = replace(examples(task, seed=1), target=np.ones(600))
    binned = library.bin(examples(task), val, task=task, threads=1)
    area = watching(resolve_metric(metric, task), [])

    with pytest.raises(InvalidInput, match=rf"val: it holds 1 of the {task.n_classes} classes"):
        fit(library, task, binned=binned, monitor=area)

    assert fit(library, task, binned=binned, monitor=watching(loss_of(task), [])).rounds >= 1


def test_parts_without_rows_are_refused(library: Learner, task: Task) -> None:
    rows = examples(task)
    empty = Examples(rows.matrix[:0], rows.target[:0], rows.categorical)

    with pytest.raises(InvalidInput, match="train holds no rows"):
        fit(library, task, train=empty)
    with pytest.raises(InvalidInput, match="val holds no rows"):
        fit(library, task, val=empty)
    with pytest.raises(InvalidInput, match="needs val rows"):
        fit(library, task, monitor=watching(loss_of(task), []))


def test_a_metric_that_runs_away_is_refused() -> None:
    val = replace(examples(REGRESSION), target=np.zeros(600))
    share = watching(resolve_metric("mape", REGRESSION), [])

    with pytest.raises(InvalidInput, match=r"after round 1 .* not finite"):
        fit(learner(ModelType.XGBOOST), REGRESSION, val=val, monitor=share)


@pytest.mark.parametrize(
    ("model_type", "params"),
    [
        *((kind, {"learning_rate": "fast"}) for kind in ModelType),
        *((ModelType.LIGHTGBM, {name: 3}) for name in ("seed", "max_bin", "num_threads", "metric")),
        *((ModelType.XGBOOST, {name: 3}) for name in ("seed", "max_bin", "nthread", "objective")),
        *((ModelType.CATBOOST, {name: 3}) for name in ("random_seed", "iterations", "max_bin")),
    ],
    ids=str,
)
def test_parameters_that_are_fixed_or_senseless_are_refused(
    model_type: ModelType, params: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        fit(learner(model_type), BINARY, params=params)


@pytest.mark.parametrize("name", ["n_estimators", "n_jobs", "random_state", "max_bins", "loss"])
def test_what_is_fixed_stays_so_under_other_names(library: Learner, name: str) -> None:
    plain = fit(library, BINARY).predict(examples(BINARY).matrix)

    try:
        renamed = fit(library, BINARY, params={name: 3})
    except InvalidInput:
        return
    np.testing.assert_array_equal(renamed.predict(examples(BINARY).matrix), plain)
