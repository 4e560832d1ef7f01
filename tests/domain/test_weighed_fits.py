"""How much a row counts, in a fit and in what ends it, in each library."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import FORMULAS
from mlsys.domain.evaluation.metrics import report, resolve_metric
from mlsys.domain.learners.base import Examples, Floats, Learner, Task
from mlsys.domain.scoring.table import load_booster
from tests.domain.learning import (
    BINARY,
    CLOSE,
    MULTICLASS,
    REGRESSION,
    examples,
    fit,
    loss_of,
    watching,
)

# Without what draws lots for each row, or looks at how many rows there are.
SOBER: dict[ModelType, dict[str, Any]] = {
    ModelType.LIGHTGBM: {"min_data_in_leaf": 0, "num_leaves": 7},
    ModelType.XGBOOST: {"reg_lambda": 0, "min_child_weight": 0},
    ModelType.CATBOOST: {
        "bootstrap_type": "No",
        "random_strength": 0,
        "learning_rate": 0.1,
        "l2_leaf_reg": 0,
    },
}
GENERATOR_SEED = 4


def weights(rows: Examples, *choices: float) -> Floats:
    return np.random.default_rng(GENERATOR_SEED).choice(choices, len(rows.target))


def some(rows: Examples, counts: Floats) -> Examples:
    """Repeat each row so many times, 0 for none, and weigh them all the same."""
    times = counts.astype(np.intp)
    return replace(
        rows,
        matrix=rows.matrix.repeat(times, axis=0),
        target=rows.target.repeat(times),
        weights=None,
    )


def test_a_row_of_weight_three_counts_as_three(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    drawn = examples(task, categories=False)
    ranks = drawn.matrix.argsort(axis=0).argsort(axis=0)
    rows = replace(drawn, matrix=(ranks // 60).astype(float))
    weighed = replace(rows, weights=weights(rows, 1, 3, 9))
    copies = some(rows, weights(rows, 1, 3, 9))
    params = SOBER[model_type]

    ours, theirs, plain = (
        fit(library, task, train=train, params=params).predict(rows.matrix)
        for train in (weighed, copies, rows)
    )

    assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-3)
    assert np.abs(plain - theirs).max() > 0.05


def test_a_row_without_weight_is_as_good_as_absent(library: Learner, task: Task) -> None:
    train, val, loss = examples(task), examples(task, seed=1), loss_of(task)
    kept, seen, heard = weights(train, 0, 1), list[tuple[int, float]](), list[tuple[int, float]]()
    monitor = watching(loss, seen, patience=3)

    booster = fit(
        library,
        task,
        train=replace(train, weights=kept),
        val=replace(val, weights=kept),
        monitor=monitor,
        rounds=60,
    )
    alone = fit(
        library,
        task,
        train=replace(some(train, kept), weights=np.ones(int(kept.sum()))),
        val=some(val, kept),
        monitor=watching(loss, heard, patience=3),
        rounds=60,
    )

    assert booster.to_bytes() == alone.to_bytes()
    assert [round for round, _ in seen] == [round for round, _ in heard]
    assert [value for _, value in seen] == pytest.approx([value for _, value in heard], rel=CLOSE)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS], ids=lambda task: task.kind)
def test_classes_weigh_besides_the_rows(library: Learner, task: Task) -> None:
    of_class = (1.0, 4.0, 0.5)[: task.n_classes]
    train, val, loss = examples(task), examples(task, seed=1), loss_of(task)
    weighed = [replace(rows, weights=weights(rows, 0, 1, 2.5)) for rows in (train, val)]
    multiplied = [
        replace(rows, weights=rows.weights * np.array(of_class)[rows.target.astype(int)])
        for rows in weighed
        if rows.weights is not None
    ]
    alone = [replace(rows, class_weights=of_class) for rows in (train, val)]
    both = [replace(rows, class_weights=of_class) for rows in weighed]
    of_rows = [
        replace(rows, weights=np.array(of_class)[rows.target.astype(int)]) for rows in (train, val)
    ]
    heard: list[list[tuple[int, float]]] = [[], [], [], []]

    fits = [
        fit(library, task, train=pair[0], val=pair[1], monitor=watching(loss, seen))
        for pair, seen in zip((both, multiplied, alone, of_rows), heard, strict=True)
    ]

    assert fits[0].to_bytes() == fits[1].to_bytes() != fits[2].to_bytes() == fits[3].to_bytes()
    assert (heard[0], heard[2]) == (heard[1], heard[3])


def test_what_is_watched_counts_the_weights(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    train, val = examples(task), examples(task, seed=1)
    weighing = weights(val, 0, 1e-9, 0.3, 1, 7, 1e9)
    binned = library.bin(
        replace(train, weights=weights(train, 0, 0.3, 7)),
        replace(val, weights=weighing),
        task=task,
        threads=1,
    )
    exactly = set()

    for name in FORMULAS[task.kind]:
        metric, seen = resolve_metric(name, task), list[tuple[int, float]]()
        booster = fit(library, task, binned=binned, monitor=watching(metric, seen))
        prediction = load_booster(model_type, booster.to_bytes(), task=task).predict(val.matrix)
        value = (max if metric.maximize else min)(value for _, value in seen)
        values = report(task, val.target, prediction, weights=weighing)
        if value == pytest.approx(values.get(name, np.nan), rel=CLOSE):
            exactly.add(name)
        else:
            loss = values[loss_of(task).name]
            assert value == pytest.approx(-loss if metric.maximize else loss, rel=CLOSE)

    assert (
        exactly
        >= {
            "binary": {"roc_auc", "log_loss"},
            "multiclass": {"log_loss"},
            "regression": {"root_mean_squared_error", "mean_absolute_error"},
        }[task.kind]
    )


def test_a_weighed_fit_keeps_its_best_round_when_it_is_read_back(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    train, val, loss = examples(task), examples(task, seed=1), loss_of(task)
    weighing, seen = weights(val, 0, 1, 20), list[tuple[int, float]]()

    booster = fit(
        library,
        task,
        train=replace(train, weights=weights(train, 0.5, 1)),
        val=replace(val, weights=weighing),
        monitor=watching(loss, seen, patience=4),
        rounds=300,
        params={"learning_rate": 0.9},
    )
    prediction = load_booster(model_type, booster.to_bytes(), task=task).predict(val.matrix)

    best, value = min(seen, key=lambda one: one[1])
    told = getattr(booster, "val_prediction", None)
    assert booster.rounds == best < len(seen)
    assert loss.value(val.target, prediction, weights=weighing) == pytest.approx(value, rel=CLOSE)
    assert told is None or np.array_equal(told, prediction)


@pytest.mark.parametrize("favoured", [0, 1, 2])
def test_classes_keep_their_places_whatever_they_weigh(library: Learner, favoured: int) -> None:
    train = examples(MULTICLASS)
    of_class = tuple(50.0 if index == favoured else 1.0 for index in range(3))

    plain, heavy = (
        fit(library, MULTICLASS, train=rows).predict(train.matrix).mean(axis=0)
        for rows in (train, replace(train, class_weights=of_class))
    )

    shares = np.bincount(train.target.astype(int)) / len(train.target)
    assert plain == pytest.approx(shares, abs=0.05)
    assert (heavy - plain).argmax() == favoured


@pytest.mark.parametrize("part", ["train", "val"])
def test_rows_that_all_weigh_nothing_are_refused(library: Learner, task: Task, part: str) -> None:
    nothing = replace(examples(task), weights=np.zeros(600))
    other = examples(task, seed=1)
    train, val = (nothing, other) if part == "train" else (other, nothing)

    with pytest.raises(InvalidInput, match=f"all 600 rows of {part} have weight 0; split with"):
        library.bin(train, val, task=task, threads=1)


def test_a_class_that_weighs_nothing_on_val_is_absent_there(library: Learner) -> None:
    val = examples(BINARY, seed=1)
    binned = library.bin(examples(BINARY), replace(val, weights=val.target), task=BINARY, threads=1)

    with pytest.raises(InvalidInput, match="val: it holds 1 of the 2 classes"):
        fit(library, BINARY, binned=binned, monitor=watching(resolve_metric("auc", BINARY), []))


@pytest.mark.parametrize("unit", [2.0**-29, 2.0**29])
def test_the_unit_of_weights_changes_no_bit(library: Learner, task: Task, unit: float) -> None:
    rows = examples(task)
    weighing = weights(rows, 0, 0.3, 1, 1.5)

    plain, scaled = (
        fit(library, task, train=replace(rows, weights=drawn))
        for drawn in (weighing, weighing * unit)
    )

    assert scaled.to_bytes() == plain.to_bytes()


def test_weights_of_one_change_next_to_nothing(library: Learner, task: Task) -> None:
    train = examples(task)

    plain, ones = (
        fit(library, task, train=rows).predict(train.matrix)
        for rows in (train, replace(train, weights=np.ones(600)))
    )

    assert plain == pytest.approx(ones, rel=CLOSE, abs=CLOSE)


def test_a_regression_follows_the_rows_that_count(library: Learner) -> None:
    rows = examples(REGRESSION)
    low = np.where(rows.target < np.median(rows.target), 10.0, 1.0)

    plain, drawn = (
        fit(library, REGRESSION, train=train).predict(rows.matrix).mean()
        for train in (rows, replace(rows, weights=low))
    )

    assert drawn < plain
