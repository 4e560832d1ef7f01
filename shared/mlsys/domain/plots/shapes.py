"""What a console draws of a study, as numbers; `mlsys.vis` draws the same for people.

Nothing here is NaN or infinite: what a trial did not measure is null, and a parameter that it did
not have (those of the other libraries, with `auto`) is absent.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from mlsys.domain.records import Time


class PlotKind(StrEnum):
    """What can be drawn of a study."""

    HISTORY = "history"
    IMPORTANCES = "importances"
    SLICE = "slice"
    PARALLEL = "parallel"
    INTERMEDIATE = "intermediate"


class Plot(BaseModel):
    """What every plot says: which metric its values are of, and which way it gets better.

    `maximize` is null until the study has looked at its data; then nothing counts as the best.
    """

    experiment_id: str
    name: str
    metric_name: str | None
    maximize: bool | None


class HistoryPoint(BaseModel):
    """One trial; `best` is the best value of all trials up to its number."""

    number: int
    state: str
    value: float | None
    best: float | None
    completed_at: Time | None


class History(Plot):
    """Every trial by number, and the best so far."""

    kind: Literal[PlotKind.HISTORY] = PlotKind.HISTORY
    points: list[HistoryPoint]


class ParameterImportance(BaseModel):
    """One parameter; the shares of all sum to 1, or are all 0 where nothing can be told."""

    parameter: str
    importance: float
    share: float


class ParameterImportances(Plot):
    """All parameters, the most important first, by PED-ANOVA; see parameter_importance.py.

    `trials` were completed, of which `top` are the best tenth: with less than about 5 of those,
    the order is a guess.
    """

    kind: Literal[PlotKind.IMPORTANCES] = PlotKind.IMPORTANCES
    method: Literal["ped_anova"] = "ped_anova"
    trials: int
    top: int
    importances: list[ParameterImportance]


class Axis(BaseModel):
    """Where a parameter was searched: from `low` to `high`, or among `choices`."""

    parameter: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    choices: list[Any] | None = None


class SlicePanel(BaseModel):
    """One parameter against the metric; the three lists belong together, by trial."""

    axis: Axis
    numbers: list[int]
    x: list[Any]
    values: list[float]


class Slices(Plot):
    """Each parameter against the metric, of the trials that were completed with it."""

    kind: Literal[PlotKind.SLICE] = PlotKind.SLICE
    panels: list[SlicePanel]


class ParallelLine(BaseModel):
    """One completed trial; `params` lacks those that it did not have."""

    number: int
    value: float
    params: dict[str, Any]


class ParallelCoordinates(Plot):
    """Each completed trial as a line over all parameters."""

    kind: Literal[PlotKind.PARALLEL] = PlotKind.PARALLEL
    axes: list[Axis]
    lines: list[ParallelLine]


class Curve(BaseModel):
    """What one trial reported on its way; `steps` and `values` belong together."""

    number: int
    state: str
    steps: list[int]
    values: list[float | None]


class LearningCurves(Plot):
    """What trials reported to be pruned by: per round, or with folds per fold.

    That is what fits are stopped by: the metric, or where it only ranks rows the loss, with its
    sign turned if the metric is better the larger it is.
    """

    kind: Literal[PlotKind.INTERMEDIATE] = PlotKind.INTERMEDIATE
    curves: list[Curve] = Field(description="of trials that reported anything; at most 200 points")


AnyPlot = History | ParameterImportances | Slices | ParallelCoordinates | LearningCurves

PLOTS: dict[PlotKind, type[AnyPlot]] = {
    PlotKind.HISTORY: History,
    PlotKind.IMPORTANCES: ParameterImportances,
    PlotKind.SLICE: Slices,
    PlotKind.PARALLEL: ParallelCoordinates,
    PlotKind.INTERMEDIATE: LearningCurves,
}
