"""From the trials of a study to what is drawn of them.

Trials come by number. Where there are several objectives, the first value is the metric.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mlsys.domain.experiment_records import Experiment, Trial, TrialParam, TrialState
from mlsys.domain.plots.parameter_importance import TOP_SHARE, Observed, ped_anova, top_of
from mlsys.domain.plots.shapes import (
    AnyPlot,
    Axis,
    Curve,
    History,
    HistoryPoint,
    LearningCurves,
    ParallelCoordinates,
    ParallelLine,
    ParameterImportance,
    ParameterImportances,
    PlotKind,
    SlicePanel,
    Slices,
)
from mlsys.domain.records import Json

MAX_CURVE_POINTS = 200


def plot_of(kind: PlotKind, experiment: Experiment, trials: Sequence[Trial]) -> AnyPlot:
    """Compute one plot; an experiment without trials has an empty one."""
    makers: dict[PlotKind, Callable[[Json, Sequence[Trial]], AnyPlot]] = {
        PlotKind.HISTORY: _history,
        PlotKind.IMPORTANCES: _importances,
        PlotKind.SLICE: _slices,
        PlotKind.PARALLEL: _parallel,
        PlotKind.INTERMEDIATE: _intermediate,
    }
    about = {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "metric_name": experiment.metric_name,
        "maximize": experiment.maximize,
    }
    return makers[kind](about, trials)


def metric_value(trial: Trial) -> float | None:
    """Return the metric of a trial that was completed, unless it is infinite."""
    if trial.state != TrialState.COMPLETE or not trial.values:
        return None
    return _finite(trial.values[0])


def _history(about: Json, trials: Sequence[Trial]) -> History:
    best: float | None = None
    points = []
    for trial in trials:
        value = metric_value(trial)
        if value is not None and about["maximize"] is not None:
            better = max if about["maximize"] else min
            best = value if best is None else better(best, value)
        points.append(
            HistoryPoint(
                number=trial.number,
                state=trial.state,
                value=value,
                best=best,
                completed_at=trial.completed_at,
            )
        )
    return History(**about, points=points)


def _importances(about: Json, trials: Sequence[Trial]) -> ParameterImportances:
    done = list(_measured(trials))
    sign = -1 if about["maximize"] else 1
    told = [] if about["maximize"] is None else done
    observed = [
        Observed(sign * value, {one.name: (one.distribution, one.value) for one in trial.params})
        for trial, value in told
    ]
    found = ped_anova(observed)
    total = math.fsum(found.values())
    return ParameterImportances(
        **about,
        trials=len(done),
        top=len(top_of([one.loss for one in observed], TOP_SHARE)),
        importances=[
            ParameterImportance(
                parameter=name, importance=value, share=value / total if total else 0.0
            )
            for name, value in sorted(found.items(), key=lambda item: (-item[1], item[0]))
        ],
    )


def _slices(about: Json, trials: Sequence[Trial]) -> Slices:
    done = list(_measured(trials))
    panels = []
    for axis in _axes([trial for trial, _ in done]):
        points = [
            (trial.number, _told(one), value)
            for trial, value in done
            for one in trial.params
            if one.name == axis.parameter
        ]
        numbers, x, values = map(list, zip(*points, strict=True))
        panels.append(SlicePanel(axis=axis, numbers=numbers, x=x, values=values))
    return Slices(**about, panels=panels)


def _parallel(about: Json, trials: Sequence[Trial]) -> ParallelCoordinates:
    done = list(_measured(trials))
    lines = [
        ParallelLine(
            number=trial.number,
            value=value,
            params={one.name: _told(one) for one in trial.params},
        )
        for trial, value in done
    ]
    return ParallelCoordinates(**about, axes=_axes([trial for trial, _ in done]), lines=lines)


def _intermediate(about: Json, trials: Sequence[Trial]) -> LearningCurves:
    curves = []
    for trial in trials:
        steps = _thinned(sorted(trial.intermediate_values))
        values = [_finite(trial.intermediate_values[step]) for step in steps]
        if steps:
            curves.append(Curve(number=trial.number, state=trial.state, steps=steps, values=values))
    return LearningCurves(**about, curves=curves)


def _measured(trials: Sequence[Trial]) -> Iterator[tuple[Trial, float]]:
    for trial in trials:
        value = metric_value(trial)
        if value is not None:
            yield trial, value


def _axes(trials: Sequence[Trial]) -> list[Axis]:
    """Return where each parameter was searched, in the order of first appearance."""
    axes: dict[str, Axis] = {}
    for trial in trials:
        for one in trial.params:
            seen = _axis(one.name, one.distribution)
            before = axes.get(one.name)
            axes[one.name] = seen if before is None or before == seen else _joined(before, seen)
    return list(axes.values())


def _axis(name: str, distribution: str) -> Axis:
    said = json.loads(distribution)["attributes"]
    if "choices" in said:
        return Axis(parameter=name, choices=[_plain(one) for one in said["choices"]])
    return Axis(parameter=name, log=said["log"], low=said["low"], high=said["high"])


def _joined(one: Axis, other: Axis) -> Axis:
    """Return an axis for a parameter that was searched in two places."""
    if one.low is None or other.low is None or one.high is None or other.high is None:
        ends = [end for axis in (one, other) for end in (axis.low, axis.high) if end is not None]
        choices = [*(one.choices or []), *(other.choices or []), *ends]
        return Axis(parameter=one.parameter, choices=_distinct(choices))
    return Axis(
        parameter=one.parameter,
        log=one.log and other.log,
        low=min(one.low, other.low),
        high=max(one.high, other.high),
    )


def _distinct(choices: Sequence[Any]) -> list[Any]:
    """Drop what stands twice; true and 1 are not the same."""
    return list({json.dumps(choice): choice for choice in choices}.values())


def _told(param: TrialParam) -> Any:
    return _plain(param.value)


def _plain(value: Any) -> Any:
    """Write a value so that JSON has it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _finite(value: float | str) -> float | None:
    """Read a stored number; a string is one that JSON lacks."""
    return None if isinstance(value, str) or not math.isfinite(value) else value


def _thinned(steps: list[int]) -> list[int]:
    """Keep at most 200 of them, evenly, the last one in any case."""
    every = -(-len(steps) // MAX_CURVE_POINTS)
    return steps[len(steps) - 1 :: -every][::-1] if steps else []
