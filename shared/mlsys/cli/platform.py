"""`mlsys up` and `mlsys demo`: the platform on this machine."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option, Typer, echo, style

from mlsys.cli.command import failures_told
from mlsys.domain.choices import Library

app = Typer()

Home = Annotated[Path | None, Option(help="Where everything is kept. [MLSYS_HOME]")]


@app.command()
def up(
    *,
    port: Annotated[int, Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    home: Home = None,
) -> None:
    """Serve the platform here, until Ctrl-C.

    API, event delivery and jobs, on 127.0.0.1. What is in the home goes on: events that were not
    delivered, studies that were not finished.
    """
    with failures_told():
        from mlsys.cli.serve import serve

        serve(home, port=port)


@app.command()
def demo(
    *,
    n_trials: Annotated[int, Option(min=1, max=2000, help="How many trials.")] = 25,
    model_type: Annotated[Library, Option(help="The library that learns.")] = "lightgbm",
    dataset: Annotated[
        Literal["breast-cancer", "wine", "diabetes"],
        Option(help="Two classes, three classes, a number."),
    ] = "breast-cancer",
    home: Annotated[Path | None, Option(help="Default: a new one, .mlsys/demo-TIME.")] = None,
) -> None:
    """Run the main job on real data.

    From a dropped file to explained predictions, in a home of its own, over the same handlers,
    CloudEvents and HTTP as in the cloud. Exits with 0 only if each step really happened.
    """
    with failures_told():
        echo(style(f"mlsys demo: {dataset}, {model_type}, {n_trials} trials", bold=True))

        from mlsys.cli.story import tell_demo

        tell_demo(home, dataset=dataset, model_type=model_type, n_trials=n_trials)
