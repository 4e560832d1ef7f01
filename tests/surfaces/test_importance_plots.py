"""What a model goes by, drawn: by the command line and the client, near and far."""

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure
from matplotlib.text import Text
from typer.testing import CliRunner

from mlsys import Client
from mlsys.cli.app import app
from mlsys.dev.platform import Platform
from mlsys.domain.answers import FeatureImportance, Importances, Method
from mlsys.domain.errors import InvalidInput, NotFound, Unavailable
from mlsys.domain.feature_importance import Swarm
from mlsys.edge.http import Answer, Request
from mlsys.sdk.connections import ANSWER_SECONDS
from mlsys.sdk.local import LocalConnection
from mlsys.vis_importance import as_page, as_png, draw_importances
from tests.surfaces.conftest import Done

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def answer(*rows: FeatureImportance, method: Method = "shap") -> Importances:
    return Importances(
        importances=list(rows),
        method=method,
        space="log-odds",
        split="test",
        samples=3,
        seed=0,
        model="churn",
        model_id="churn-v1",
        version=1,
        request_id="r",
        warnings=["shap: <gone>"],
    )


def swarm(features: int, *, rows: int = 3) -> Swarm:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(2, rows, features)).astype(np.float32)
    return Swarm(tuple(range(features)), numbers[0], numbers[1])


def one(name: str, **fields: float | dict[str, float]) -> FeatureImportance:
    told = {"feature": name, "importance": 1.0, "share": 0.5, **fields}
    return FeatureImportance.model_validate(told)


@pytest.mark.parametrize("far", [False, True], ids=["home", "url"])
def test_the_command_draws_into_a_file(done: Done, tmp_path: Path, *, far: bool) -> None:
    def drawn(suffix: str, *place: str) -> bytes:
        out = tmp_path / f"out{suffix}"
        asked = ["importance", "--model", "churn", "--plot", str(out), *place]
        said = CliRunner().invoke(app, asked)
        assert said.exit_code == 0, said.output
        assert "age" in said.stdout
        assert f"drawn into {out}" in said.stderr
        return out.read_bytes()

    if not far:
        picture, page = (drawn(one, "--home", str(done.home)) for one in (".png", ".html"))
    else:
        with Platform(done.home, port=0) as platform:
            picture, page = (drawn(one, "--url", platform.url) for one in (".PNG", ".html"))

    assert picture.startswith(SIGNATURE)
    assert image.imread(io.BytesIO(picture)).std() > 0.05
    assert page.startswith(b"<!doctype html>")
    assert b"<td>age</td>" in page


@pytest.mark.parametrize("method", ["shap", "native", "permutation"])
def test_the_client_gets_a_picture_of_each_method(done: Done, method: Method) -> None:
    with Client.local(done.home) as client:
        picture = client.importance_plot("churn", method_preference=[method], max_samples=5)

    assert picture.startswith(SIGNATURE)


def test_a_client_is_told_what_cannot_be_drawn(done: Done) -> None:
    with Client.local(done.home) as client:
        with pytest.raises(NotFound, match="nobody"):
            client.importance_plot("nobody")
        with pytest.raises(InvalidInput, match="plot"):
            client.importance_plot("churn", format="pdf")  # type: ignore[arg-type]  # on purpose


def test_what_answers_no_picture_is_no_platform(done: Done) -> None:
    class Elsewhere(LocalConnection):
        def send(self, request: Request, *, timeout_seconds: float = ANSWER_SECONDS) -> Answer:
            answered = super().send(request, timeout_seconds=timeout_seconds)
            return Answer(answered.status, b"hello", {"Content-Type": "text/plain"})

    with (
        Client(Elsewhere(done.home)) as client,
        pytest.raises(Unavailable, match=r"want image/png, got text/plain"),
    ):
        client.importance_plot("churn")


def test_a_page_has_every_number_and_asks_nobody() -> None:
    told = answer(one("a<b"), one("price $"), *(one(f"f{place}") for place in range(30)))

    page = as_page(told, draw_importances(told, None, coded=set()))

    assert page.count("<tr>") == 33
    assert "<td>a&lt;b</td>" in page
    assert "shap: &lt;gone&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    section = page.split("<section>")[1].partition("</section>")[0]
    assert ET.fromstring(section).tag.endswith("svg")  # noqa: S314 - ours


def test_a_swarm_shows_each_row_and_greys_what_has_no_order() -> None:
    told = answer(one("age"), one("plan"), one("empty"))
    points = swarm(3)
    points.values[:, 2] = np.nan

    figure = draw_importances(told, points, coded={"plan"})

    figure.draw_without_rendering()
    age, plan, empty = figure.axes[0].collections
    assert [len(np.asarray(group.get_offsets())) for group in (age, plan, empty)] == [3, 3, 3]
    assert len(np.unique(np.asarray(age.get_facecolor()), axis=0)) == 3
    for grey in (plan, empty):
        assert np.ptp(np.asarray(grey.get_facecolor())[:, :3], axis=1).max() == 0
    said = texts(figure)
    assert {"age", "plan", "low", "high", "SHAP value (log-odds)"} <= set(said)
    assert any("churn-v1" in text and "3 rows of test" in text for text in said)


def test_one_value_in_all_rows_is_drawn_too() -> None:
    points = swarm(1)
    points.values[:] = 7
    points.contributions[:] = 0

    assert as_png(draw_importances(answer(one("age")), points, coded=set())).startswith(SIGNATURE)


def test_many_classes_are_parts_of_a_bar_with_their_names() -> None:
    told = answer(
        one("age", classes={"no": 0.25, "yes": 0.75}), one("plan", classes={"no": 0.5, "yes": 0.5})
    )

    figure = draw_importances(told, None, coded=set())

    assert {"no", "yes", "mean |SHAP| (log-odds)"} <= set(texts(figure))
    widths = [[bar.get_width() for bar in group] for group in figure.axes[0].containers]
    assert widths == [[0.25, 0.5], [0.75, 0.5]]


def test_deviations_of_permutations_are_whiskers() -> None:
    told = answer(one("age", deviation=0.5), method="permutation")

    figure = draw_importances(told, None, coded=set())

    [whiskers] = figure.axes[0].collections
    ends = np.asarray(whiskers.get_paths()[0].vertices)[:, 0]
    assert ends.tolist() == [0.5, 1.5]


def test_only_the_first_twenty_are_drawn() -> None:
    told = answer(*(one(f"f{place}") for place in range(21)))

    assert {"f19"} <= set(texts(draw_importances(told, None, coded=set())))
    assert "f20" not in texts(draw_importances(told, None, coded=set()))


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
from mlsys import Client
from mlsys.domain.errors import InvalidInput
with Client.local(sys.argv[1]) as client:
    print(client.importance("churn").method)
    try:
        client.importance_plot("churn")
    except InvalidInput as error:
        print(error.violations[0].field, error)
"""


def test_without_matplotlib_importances_are_numbers(done: Done) -> None:
    asked = [sys.executable, "-c", WITHOUT, str(done.home)]

    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout

    assert said.splitlines() == [
        "shap",
        "plot plot: nothing here draws, matplotlib is not installed: pip install 'mlsys[plots]'",
    ]
