"""What is drawn of a study, whatever its trials lack."""

import json
from typing import Any, cast

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from mlsys.domain.experiment_records import Trial, TrialParam
from mlsys.domain.plots.figures import MAX_CURVE_POINTS, plot_of
from mlsys.domain.plots.parameter_importance import TOP_SHARE
from mlsys.domain.plots.shapes import (
    PLOTS,
    Axis,
    History,
    LearningCurves,
    ParallelCoordinates,
    ParameterImportances,
    PlotKind,
    Slices,
)
from tests.domain.studied import experiment, libraries, stored, studied


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    """A study over two libraries, with pruned and failed trials."""
    return stored(studied(libraries, trials=40))


def drawn(kind: PlotKind, trials: list[Trial], **fields: Any) -> Any:
    return plot_of(kind, experiment(**fields), trials)


@pytest.mark.parametrize("kind", PlotKind)
@pytest.mark.parametrize("maximize", [True, False, None])
def test_every_plot_is_strict_json_and_is_read_back(
    kind: PlotKind, trials: list[Trial], *, maximize: bool | None
) -> None:
    plot = drawn(kind, trials, maximize=maximize)

    text = json.dumps(plot.model_dump(mode="json"), allow_nan=False)
    assert PLOTS[kind].model_validate_json(text) == plot


@pytest.mark.parametrize("kind", PlotKind)
def test_a_study_without_trials_has_empty_plots(kind: PlotKind) -> None:
    plot = drawn(kind, [])

    assert not any(value for value in vars(plot).values() if isinstance(value, list))


@pytest.mark.parametrize(("maximize", "better"), [(True, max), (False, min)])
def test_the_best_so_far_is_the_best_of_all_before(
    trials: list[Trial], *, maximize: bool, better: Any
) -> None:
    plot = cast("History", drawn(PlotKind.HISTORY, trials, maximize=maximize))

    seen: list[float] = []
    for point in plot.points:
        seen += [] if point.value is None else [point.value]
        assert point.best == (better(seen) if seen else None)
    assert [point.number for point in plot.points] == list(range(40))
    assert {point.state for point in plot.points} == {"COMPLETE", "PRUNED", "FAIL"}
    assert all((point.value is None) == (point.state != "COMPLETE") for point in plot.points)


def test_nothing_is_the_best_before_it_is_known_what_is_better(trials: list[Trial]) -> None:
    history = drawn(PlotKind.HISTORY, trials, maximize=None)
    importances = drawn(PlotKind.IMPORTANCES, trials, maximize=None)

    assert {point.best for point in history.points} == {None}
    assert importances.importances == []


def test_the_first_of_several_objectives_is_the_metric() -> None:
    study = studied(
        lambda trial: [trial.suggest_float("x", 0, 1), -1.0],
        trials=4,
        directions=("maximize", "minimize"),
    )

    plot = drawn(PlotKind.HISTORY, stored(study))

    assert [point.value for point in plot.points] == [one.params["x"] for one in study.trials]


def test_a_value_that_is_not_finite_is_none() -> None:
    study = studied(
        lambda trial: float("inf") if trial.number == 1 else float(trial.number), trials=3
    )

    plot = drawn(PlotKind.HISTORY, stored(study))

    assert [(point.value, point.best) for point in plot.points] == [(0, 0), (None, 0), (2, 2)]


def test_importances_are_shares_by_size(trials: list[Trial]) -> None:
    plot = cast("ParameterImportances", drawn(PlotKind.IMPORTANCES, trials))

    shares = [one.share for one in plot.importances]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert {one.parameter for one in plot.importances} == {
        *("model_type", "lightgbm.rate", "catboost.rate", "catboost.depth")
    }
    assert plot.trials == sum(one.state == "COMPLETE" for one in trials)
    assert plot.top >= TOP_SHARE * plot.trials


def test_a_slice_has_the_trials_that_have_its_parameter(trials: list[Trial]) -> None:
    plot = cast("Slices", drawn(PlotKind.SLICE, trials))

    for panel in plot.panels:
        wanted = {
            trial.number: (one.value, trial.values[0])
            for trial in trials
            if trial.state == "COMPLETE" and trial.values
            for one in trial.params
            if one.name == panel.axis.parameter
        }
        points = zip(panel.x, panel.values, strict=True)
        assert dict(zip(panel.numbers, points, strict=True)) == wanted
    assert {panel.axis.parameter: len(panel.x) for panel in plot.panels}["catboost.depth"] > 5


def test_an_axis_says_where_a_parameter_was_searched(trials: list[Trial]) -> None:
    plot = cast("ParallelCoordinates", drawn(PlotKind.PARALLEL, trials))

    axes = {axis.parameter: axis for axis in plot.axes}
    assert axes["model_type"].choices == ["lightgbm", "catboost"]
    assert axes["catboost.depth"] == Axis(parameter="catboost.depth", low=2, high=10)
    assert axes["lightgbm.rate"] == Axis(parameter="lightgbm.rate", log=True, low=0.01, high=0.3)
    for line in plot.lines:
        library = line.params["model_type"]
        assert all(name == "model_type" or name.startswith(library) for name in line.params)


@pytest.mark.parametrize(
    ("distributions", "wanted"),
    [
        (
            [FloatDistribution(0.1, 1, log=True), FloatDistribution(0.01, 0.5, log=True)],
            Axis(parameter="x", log=True, low=0.01, high=1),
        ),
        (
            [FloatDistribution(0.1, 1, log=True), IntDistribution(0, 2)],
            Axis(parameter="x", low=0, high=2),
        ),
        (
            [CategoricalDistribution(["a", 1]), CategoricalDistribution([True, "a"])],
            Axis(parameter="x", choices=["a", 1, True]),
        ),
        (
            [CategoricalDistribution(["a"]), FloatDistribution(0.5, 2)],
            Axis(parameter="x", choices=["a", 0.5, 2.0]),
        ),
    ],
    ids=["wider", "no longer logarithmic", "other choices", "choices and numbers"],
)
def test_a_parameter_that_was_searched_in_two_places_has_one_axis(
    distributions: list[BaseDistribution], wanted: Axis
) -> None:
    trials = [
        Trial(
            number=number,
            state="COMPLETE",
            values=[0.5],
            params=[
                TrialParam(name="x", value="a", distribution=distribution_to_json(distribution))
            ],
            user_attrs={},
            attempt=1,
            started_at=None,
            completed_at=None,
        )
        for number, distribution in enumerate(distributions)
    ]

    [axis] = drawn(PlotKind.PARALLEL, trials).axes

    assert axis.model_dump_json() == wanted.model_dump_json()


def test_curves_are_thinned_and_keep_their_end() -> None:
    def objective(trial: optuna.Trial) -> float:
        for step in range(1, [5, 1000, 1][trial.number]):
            trial.report(float("nan") if step == 2 else step / 7, step)
        return 1.0

    plot = cast(
        "LearningCurves", drawn(PlotKind.INTERMEDIATE, stored(studied(objective, trials=3)))
    )

    short, long = plot.curves
    assert short.steps == [1, 2, 3, 4]
    assert short.values == [1 / 7, None, 3 / 7, 4 / 7]
    assert long.steps[-1] == 999
    assert MAX_CURVE_POINTS / 2 < len(long.steps) == len(long.values) <= MAX_CURVE_POINTS
