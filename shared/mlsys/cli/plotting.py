"""What is drawn of studies: into files, or as numbers."""

import json
from pathlib import Path

from typer import BadParameter

from mlsys import Client
from mlsys.cli.output import write
from mlsys.domain.plots.shapes import AnyPlot, PlotKind

PAGE = ".html"
PICTURES = {".png", ".svg"}


def draw_into(out: Path, kind: str | None, experiment_id: str, *, client: Client) -> None:
    """Draw a study into a file, whose name says how, and print its name.

    Raises:
        BadParameter: the name ends in something else than .png, .svg or .html.
        NotFound: there is no such experiment.
        ModuleNotFoundError: Matplotlib is not installed.
        OSError: the file cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in {PAGE, *PICTURES}:
        raise BadParameter(f"--out: want a name that ends in .png, .svg or .html, got {out.name!r}")
    # Only here: Matplotlib takes long to import.
    from mlsys import vis

    if suffix == PAGE:
        out.write_text(vis.page(_plots(kind, experiment_id, client)), encoding="utf-8")
    else:
        plot = client.plot(experiment_id, kind or PlotKind.HISTORY)
        vis.draw(plot).savefig(out, dpi=vis.DOTS_PER_INCH)
    write(str(out))


def print_plots(kind: str | None, experiment_id: str, *, client: Client) -> None:
    """Print what would be drawn, as JSON: one object, or by kind if none is named."""
    plots = _plots(kind, experiment_id, client)
    told = {plot.kind.value: plot.model_dump(mode="json") for plot in plots}
    write(json.dumps(told if kind is None else told[kind], indent=2))


def _plots(kind: str | None, experiment_id: str, client: Client) -> list[AnyPlot]:
    kinds = list(PlotKind) if kind is None else [PlotKind(kind)]
    return [client.plot(experiment_id, one) for one in kinds]
