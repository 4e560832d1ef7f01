"""What people look at of a study, drawn with Matplotlib: `from mlsys import vis`.

    plot = client.plot(experiment.id, "history")
    vis.draw(plot).savefig("history.png")

pyplot does not know these figures, so nothing has to be closed.
"""

import io
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from mlsys.domain.plots.pages import html_page, short
from mlsys.domain.plots.shapes import (
    AnyPlot,
    Axis,
    History,
    LearningCurves,
    ParallelCoordinates,
    ParameterImportances,
    Plot,
    SlicePanel,
    Slices,
)

WIDTH_INCHES = 9.0
HEIGHT_INCHES = 4.8
DOTS_PER_INCH = 150
PANELS_PER_ROW = 3
COLOURS = "viridis"
STATES = {"COMPLETE": "tab:blue", "PRUNED": "tab:orange", "FAIL": "tab:red", "RUNNING": "tab:green"}


def draw(plot: AnyPlot) -> Figure:
    """Draw what `Client.plot` returned; without trials an empty figure that says so."""
    match plot:
        case History():
            figure = _history(plot)
        case ParameterImportances():
            figure = _importances(plot)
        case Slices():
            figure = _slices(plot)
        case ParallelCoordinates():
            figure = _parallel(plot)
        case LearningCurves():
            figure = _curves(plot)
    figure.suptitle(f"{plot.name} · {plot.kind.value}", x=0.01, ha="left", fontweight="bold")
    return figure


def page(plots: Sequence[AnyPlot]) -> str:
    """Return one HTML page of several plots that needs nothing from anywhere else."""
    title = f"{plots[0].name} · {plots[0].experiment_id}"
    return html_page(title, [svg(draw(plot)) for plot in plots])


def svg(figure: Figure) -> str:
    """Return a figure as an element of a page: without the declarations of a file."""
    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "mlsys"}):
        figure.savefig(written, format="svg", metadata={"Date": None}, dpi=DOTS_PER_INCH)
    text = written.getvalue()
    return text[text.index("<svg") :]


def _history(plot: History) -> Figure:
    figure, axes = _one(plot, "trial")
    done = [point for point in plot.points if point.value is not None]
    if not done:
        return _empty(axes)
    axes.scatter(
        [point.number for point in done],
        [point.value or 0 for point in done],
        s=18,
        color=STATES["COMPLETE"],
        label="completed",
    )
    best = [point for point in plot.points if point.best is not None]
    if best:
        axes.step(
            [point.number for point in best],
            [point.best or 0 for point in best],
            where="post",
            color="tab:red",
            label="best so far",
        )
    for state in ("PRUNED", "FAIL"):
        there = [point.number for point in plot.points if point.state == state]
        if there:
            # On the lower edge: they have no value to stand at.
            axes.plot(
                there,
                [0.015] * len(there),
                "|",
                color=STATES[state],
                transform=axes.get_xaxis_transform(),
                label=f"{state.lower()} ({len(there)})",
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def _importances(plot: ParameterImportances) -> Figure:
    rows = plot.importances[::-1]
    height = max(HEIGHT_INCHES / 2, 1.2 + 0.28 * len(rows))
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    axes = figure.subplots()
    if not any(row.importance for row in rows):
        return _empty(axes)
    bars = axes.barh(
        [short(row.parameter) for row in rows], [row.share for row in rows], color="tab:blue"
    )
    axes.bar_label(bars, [f"{row.share:.1%}" for row in rows], padding=3)
    axes.margins(x=0.1)
    axes.set_xlabel(f"share of importance (PED-ANOVA, best {plot.top} of {plot.trials} trials)")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _slices(plot: Slices) -> Figure:
    if not plot.panels:
        return _empty(_one(plot, "")[1])
    across = min(PANELS_PER_ROW, len(plot.panels))
    down = math.ceil(len(plot.panels) / across)
    figure = Figure(figsize=(WIDTH_INCHES, 0.6 + 2.5 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    numbers = [number for panel in plot.panels for number in panel.numbers]
    shades = Normalize(min(numbers), max(*numbers, min(numbers) + 1))
    for axes, panel in zip(grid, plot.panels, strict=False):
        _slice(axes, panel, shades)
    for axes in grid[::across]:
        axes.set_ylabel(_metric(plot))
    for axes in grid[len(plot.panels) :]:
        axes.set_axis_off()
    figure.colorbar(ScalarMappable(shades, COLOURS), ax=grid, label="trial", aspect=20 * down)
    return figure


def _slice(axes: Axes, panel: SlicePanel, shades: Normalize) -> None:
    axis = panel.axis
    choices = _choices(axis)
    x = [choices.index(json.dumps(one)) for one in panel.x] if choices else panel.x
    axes.scatter(x, panel.values, c=panel.numbers, s=14, cmap=COLOURS, norm=shades)
    axes.set_xlabel(short(axis.parameter))
    axes.grid(alpha=0.3)
    if choices:
        axes.set_xticks(range(len(choices)), [_choice(one) for one in choices])
        axes.margins(x=0.2)
    elif axis.log and axis.low and axis.high:
        axes.set_xscale("log")
        # The ticks of a logarithmic axis overlap here, or in less than a decade are not there.
        ends = [axis.low, math.sqrt(axis.low * axis.high), axis.high]
        axes.set_xticks(ends, [f"{end:.3g}" for end in ends])
        axes.xaxis.set_minor_locator(NullLocator())


def _parallel(plot: ParallelCoordinates) -> Figure:
    """Draw a line per trial, broken where a trial lacks a parameter; the best are on top."""
    names = len(plot.axes)
    width = max(WIDTH_INCHES, 1.5 + 0.75 * names)
    figure = Figure(figsize=(width, HEIGHT_INCHES + 1), layout="constrained")
    axes = figure.subplots()
    if not plot.lines:
        return _empty(axes)
    values = [line.value for line in plot.lines]
    shades = Normalize(min(values), max(values))
    colours = ScalarMappable(shades, COLOURS if plot.maximize else f"{COLOURS}_r")
    worst_first = sorted(plot.lines, key=lambda line: line.value, reverse=not plot.maximize)
    shown = colours.to_rgba(np.asarray([line.value for line in worst_first]))
    for line, colour in zip(worst_first, shown, strict=True):
        axes.plot(
            range(names),
            [_height(axis, line.params.get(axis.parameter)) for axis in plot.axes],
            color=colour,
            marker=".",
            markersize=4,
            linewidth=0.9,
            alpha=0.7,
        )
    for place, axis in enumerate(plot.axes):
        axes.axvline(place, color="0.6", linewidth=0.8, zorder=0)
        _label_ends(axes, place, axis)
    axes.set_xticks(range(names), [short(axis.parameter) for axis in plot.axes])
    axes.tick_params(axis="x", labelrotation=40, length=0, pad=14)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks([])
    axes.set_ylim(-0.05, 1.05)
    axes.spines[:].set_visible(False)
    figure.colorbar(colours, ax=axes, label=_metric(plot), aspect=40)
    return figure


def _label_ends(axes: Axes, place: int, axis: Axis) -> None:
    choices = _choices(axis)
    if choices:
        for choice in choices:
            at = _height(axis, json.loads(choice))
            axes.annotate(_choice(choice), (place, at), (3, 0), textcoords="offset points", size=7)
        return
    for end, offset, anchor in ((axis.low, -4, "top"), (axis.high, 4, "bottom")):
        axes.annotate(
            f"{end:.3g}",
            (place, _height(axis, end)),
            (0, offset),
            textcoords="offset points",
            size=7,
            ha="center",
            va=anchor,
        )


def _height(axis: Axis, value: Any) -> float:
    """Return where on its axis a value stands, from 0 to 1; NaN if there is none."""
    choices = _choices(axis)
    if choices:
        there = json.dumps(value)
        return choices.index(there) / max(1, len(choices) - 1) if there in choices else math.nan
    if value is None or axis.low is None or axis.high is None:
        return math.nan
    scaled: Callable[[float], float] = math.log if axis.log else float
    low, high = scaled(axis.low), scaled(axis.high)
    return (scaled(value) - low) / (high - low) if high > low else 0.5


def _curves(plot: LearningCurves) -> Figure:
    figure, axes = _one(plot, "round, or with folds fold")
    axes.set_ylabel("reported value")
    if not plot.curves:
        return _empty(axes)
    for curve in plot.curves:
        done = curve.state == "COMPLETE"
        axes.plot(
            curve.steps,
            [math.nan if value is None else value for value in curve.values],
            color=STATES.get(curve.state, "0.5"),
            linewidth=1.2 if done else 0.8,
            alpha=0.8 if done else 0.45,
            marker="." if len(curve.steps) == 1 else None,
        )
    for state, colour in STATES.items():
        count = sum(curve.state == state for curve in plot.curves)
        if count:
            axes.plot([], [], color=colour, label=f"{state.lower()} ({count})")
    axes.legend()
    return figure


def _one(plot: Plot, x: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(_metric(plot))
    axes.grid(alpha=0.3)
    return figure, axes


def _empty(axes: Axes) -> Figure:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no trial tells this yet", ha="center", transform=axes.transAxes)
    figure = axes.get_figure(root=True)
    return figure if isinstance(figure, Figure) else Figure()


def _metric(plot: Plot) -> str:
    return plot.metric_name or "value"


def _choices(axis: Axis) -> list[str]:
    """Return the choices as JSON, in which true is not 1."""
    return [json.dumps(choice) for choice in axis.choices or []]


def _choice(choice: str) -> str:
    return short(str(json.loads(choice)))
