"""Which features a model goes by, drawn with Matplotlib: a swarm of rows, or bars.

What `shap` draws, without it: see docs/decisions/0022-importances-drawn-without-shap.md.
"""

import io
from html import escape

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from mlsys.domain.answers import FeatureImportance, Importances
from mlsys.domain.feature_importance import MAX_SWARMS, Swarm
from mlsys.domain.learners.base import Floats
from mlsys.domain.plots.pages import html_page, short
from mlsys.vis import DOTS_PER_INCH, WIDTH_INCHES, svg

COLOURS = "viridis"
GREY = "0.6"
LABELS = {
    "shap": "mean |SHAP|",
    "native": "importance",
    "permutation": "loss of the metric",
}
BINS = 100
# Of points that would lie on each other: how far they are moved apart, and at most.
STEP, SPREAD = 0.08, 0.38
# Beyond these percentiles colours do not change, so that one odd value does not take them all.
FAINTEST, STRONGEST = 5, 95


def draw_importances(answer: Importances, swarm: Swarm | None, *, coded: set[str]) -> Figure:
    """Draw the most important features, at most 20 of them.

    Args:
        answer: the ranking.
        swarm: if there is one, each row is a point, coloured by what it holds.
        coded: features whose values have no order; their points are grey.

    """
    rows = answer.importances[:MAX_SWARMS]
    figure = Figure(figsize=(WIDTH_INCHES, 1.6 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(rows)), [short(row.feature) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if swarm is None:
        _bars(axes, rows)
        axes.set_xlabel(f"{LABELS[answer.method]} ({answer.space})")
    else:
        _swarms(axes, rows, swarm, coded)
        bar = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=axes, ticks=[0, 1], aspect=40)
        bar.ax.set_yticklabels(["low", "high"])
        bar.set_label("value of the feature", labelpad=-12)
        axes.set_xlabel(f"SHAP value ({answer.space})")
    on = f", {answer.samples} rows of {answer.split}" if answer.split else ""
    title = f"{answer.model_id} · {LABELS[answer.method]}{on}"
    figure.suptitle(short(title, at_most=100), x=0.01, ha="left", fontweight="bold")
    return figure


def as_png(figure: Figure) -> bytes:
    """Return a figure as a picture."""
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=DOTS_PER_INCH)
    return written.getvalue()


def as_page(answer: Importances, figure: Figure) -> str:
    """Return a figure and all numbers as a page that needs nothing from anywhere else."""
    cells = "\n".join(
        f"<tr><td>{escape(row.feature)}</td><td>{row.importance:.6g}</td>"
        f"<td>{row.share:.1%}</td></tr>"
        for row in answer.importances
    )
    head = "<tr><th>feature</th><th>importance</th><th>share</th></tr>"
    table = f"<table>\n{head}\n{cells}\n</table>"
    told = "".join(f"<p>{escape(one)}</p>" for one in answer.warnings)
    return html_page(f"{answer.model_id} · importance", [svg(figure)], below=told + table)


def _bars(axes: Axes, rows: list[FeatureImportance]) -> None:
    """Draw a bar each, of many classes in their parts; whiskers are a standard deviation."""
    places = range(len(rows))
    if rows[0].classes is None:
        axes.barh(
            places,
            [row.importance for row in rows],
            xerr=None if rows[0].deviation is None else [row.deviation or 0 for row in rows],
            color="tab:blue",
        )
        return
    left = np.zeros(len(rows))
    shades = colormaps[COLOURS](np.linspace(0, 0.9, len(rows[0].classes)))
    for name, shade in zip(rows[0].classes, shades, strict=True):
        widths = np.array([(row.classes or {})[name] for row in rows])
        axes.barh(places, widths, left=left, color=shade, label=short(name))
        left += widths
    axes.legend(title="class", loc="lower right")


def _swarms(axes: Axes, rows: list[FeatureImportance], swarm: Swarm, coded: set[str]) -> None:
    colours = colormaps[COLOURS].with_extremes(bad=GREY)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    for place, row in enumerate(rows):
        across = swarm.contributions[:, place].astype(np.float64)
        shades = _shades(swarm.values[:, place].astype(np.float64))
        axes.scatter(
            across,
            place + _offsets(across),
            c=np.full(len(across), np.nan) if row.feature in coded else shades,
            cmap=colours,
            vmin=0,
            vmax=1,
            s=9,
            linewidths=0,
            plotnonfinite=True,
            rasterized=True,  # a page of 100,000 points is too large for a browser
        )


def _shades(values: Floats) -> Floats:
    """Put values on a scale from 0 to 1; what is missing stays NaN."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return values
    low, high = np.percentile(known, [FAINTEST, STRONGEST])
    if low == high:
        low, high = known.min(), known.max()
    shades: Floats = np.clip((values - low) / max(high - low, np.finfo(np.float64).tiny), 0, 1)
    return shades


def _offsets(across: Floats) -> Floats:
    """Move points that would lie on each other up and down by turns, the more the more there are.

    >>> _offsets(np.array([0.0, 0.0, 0.0, 9.0])).tolist()
    [0.0, 0.08, -0.08, 0.0]

    """
    width = max(float(np.ptp(across)), np.finfo(np.float64).tiny)
    bins = np.round(BINS * (across - across.min()) / width)
    order = np.argsort(bins, kind="stable")
    _, starts, counts = np.unique(bins[order], return_index=True, return_counts=True)
    turn = np.arange(len(across)) - np.repeat(starts, counts)
    steps = (turn + 1) // 2 * np.where(turn % 2, 1, -1)
    offsets: Floats = np.empty(len(across))
    offsets[order] = steps * min(STEP, SPREAD / max(1, np.abs(steps).max()))
    return offsets
