"""What is drawn of a study, from the command line and in Python."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from typer.testing import CliRunner, Result

from mlsys import Client, vis
from mlsys.cli.app import app
from mlsys.domain.errors import InvalidInput
from mlsys.domain.plots.figures import plot_of
from mlsys.domain.plots.shapes import AnyPlot, PlotKind
from tests.domain.studied import experiment, libraries, stored, studied
from tests.surfaces.conftest import Done

KINDS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "svg": b"<?xml",
    "html": b"<!doctype html>",
}


def plotted(done: Done, *arguments: str) -> Result:
    command = ["experiments", "plot", done.experiment.id, "--home", str(done.home)]
    return CliRunner().invoke(app, [*command, *arguments])


def of_libraries(kind: PlotKind, *, trials: int = 40) -> AnyPlot:
    return plot_of(kind, experiment(), stored(studied(libraries, trials=trials)))


def texts(figure: Figure) -> str:
    figure.draw_without_rendering()  # which writes the labels of ticks
    return " ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


@pytest.mark.parametrize("kind", PlotKind)
@pytest.mark.parametrize("suffix", KINDS)
def test_a_study_is_drawn_into_a_file(
    done: Done, tmp_path: Path, kind: PlotKind, suffix: str
) -> None:
    out = tmp_path / f"study.{suffix}"

    said = plotted(done, "--kind", kind, "--out", str(out))

    assert said.exit_code == 0, said.output
    assert said.stdout == f"{out}\n"
    assert out.read_bytes().startswith(KINDS[suffix])


def test_a_page_shows_everything_and_asks_nobody(done: Done, tmp_path: Path) -> None:
    out = tmp_path / "study.html"

    plotted(done, "--out", str(out))

    text = out.read_text()
    assert text.count("<svg") == len(PlotKind)
    assert all(f"churn · {kind}" in text for kind in PlotKind)
    assert "<script" not in text
    assert "src=" not in text
    assert "@import" not in text
    for svg in text.split("<section>")[1:]:
        assert ET.fromstring(svg.partition("</section>")[0]).tag.endswith("svg")  # noqa: S314 - ours


def test_numbers_are_printed_instead(done: Done) -> None:
    one = plotted(done, "--kind", "history", "--format", "json")
    every = plotted(done, "--format", "json")

    assert len(json.loads(one.stdout)["points"]) == 3
    assert list(json.loads(every.stdout)) == list(PlotKind)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--format json"),
        (["--out", "study.pdf"], "study.pdf"),
        (["--kind", "pie", "--out", "study.png"], "pie"),
    ],
    ids=["nowhere", "suffix", "kind"],
)
def test_what_cannot_be_drawn_is_wrong_usage(done: Done, arguments: list[str], said: str) -> None:
    result = plotted(done, *arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_without_matplotlib_the_remedy_is_told(done: Done, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None; from mlsys.cli.__main__ import main; "
        "sys.argv = ['mlsys', *sys.argv[1:]]; main()"
    )
    how = ["--home", str(done.home), "--out", str(tmp_path / "study.png")]

    ended = subprocess.run(
        [sys.executable, "-c", program, "experiments", "plot", done.experiment.id, *how],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "pip install 'mlsys[plots]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_kind_that_there_is_not_is_refused_by_the_client(done: Done) -> None:
    with Client.local(done.home) as client, pytest.raises(InvalidInput, match="pie"):
        client.plot(done.experiment.id, "pie")


@pytest.mark.parametrize("kind", PlotKind)
def test_figures_name_what_they_show(kind: PlotKind) -> None:
    seen = texts(vis.draw(of_libraries(kind)))

    assert f"churn · {kind}" in seen
    assert ("roc_auc" in seen) == (kind not in {PlotKind.IMPORTANCES, PlotKind.INTERMEDIATE})
    assert ("catboost.depth" in seen) == (
        kind in {PlotKind.IMPORTANCES, PlotKind.SLICE, PlotKind.PARALLEL}
    )


@pytest.mark.parametrize("kind", PlotKind)
def test_an_empty_figure_says_so(kind: PlotKind) -> None:
    assert "no trial tells this yet" in texts(vis.draw(of_libraries(kind, trials=0)))


@pytest.mark.parametrize("kind", PlotKind)
def test_one_trial_is_drawn_too(kind: PlotKind) -> None:
    assert f"churn · {kind}" in texts(vis.draw(of_libraries(kind, trials=1)))
