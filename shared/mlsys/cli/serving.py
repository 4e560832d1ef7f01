"""`mlsys predict` and `mlsys importance`: call a model."""

from pathlib import Path
from typing import Annotated, Literal

from typer import BadParameter, Option, Typer

from mlsys.cli.command import Input, Session, command, talk
from mlsys.domain.choices import Stage

app = Typer()

# As in domain/answers.py, which loads pydantic.
Method = Literal["shap", "native", "permutation"]

Model = Annotated[str, Option(help="Its name.")]
AtStage = Annotated[Stage, Option(help="Whose version answers.")]
Version = Annotated[int | None, Option(min=1, help="This version, whatever the stages say.")]


@command(app)
def predict(
    session: Session,
    file: Input,
    *,
    model: Model,
    stage: AtStage = "production",
    version: Version = None,
    explain: Annotated[bool, Option("--explain", help="Say which features did it.")] = False,
    threshold: Annotated[float | None, Option(min=0, max=1)] = None,
    passthrough: Annotated[list[str] | None, Option(help="A column to return as it came.")] = None,
) -> None:
    """Predict rows of a file, or of - .

    CSV with a header, a JSON array, or JSON lines. With --format json: a JSON object a line.
    """
    from mlsys.cli.predicting import Ask, predict_file

    ask = Ask(
        model=model,
        stage=stage,
        version=version,
        explain=explain,
        threshold=threshold,
        passthrough=passthrough or [],
    )
    predict_file(session.client, file, ask, format=session.format)


@command(app)
def importance(
    session: Session,
    *,
    model: Model,
    stage: AtStage = "production",
    version: Version = None,
    max_samples: Annotated[int, Option(min=1, max=5000, help="On so many rows.")] = 1000,
    method: Annotated[
        Method | None, Option(help="Only this one; default: shap, else native.")
    ] = None,
    limit: Annotated[int | None, Option(min=1, help="Only the first features.")] = None,
    plot: Annotated[Path | None, Option(help="Draw it, too: a .png or .html.")] = None,
) -> None:
    """Rank the features a model goes by.

    By mean absolute SHAP value, on rows that it was not trained on.
    """
    from mlsys.cli import shown
    from mlsys.cli.output import print_list
    from mlsys.sdk.client import Look

    drawn = None if plot is None else _format_of(plot)
    how = Look(
        stage=None if version is not None else stage, version=version, max_samples=max_samples
    )
    if method:
        how["method_preference"] = [method]
    found = session.client.importance(model, **how)
    print_list(found.importances[:limit], shown.IMPORTANCES, format=session.format)
    on = f", {found.samples} rows of {found.split}" if found.split else ""
    talk(f"{found.method} ({found.space}) of {found.model_id}{on}")
    if plot is not None and drawn is not None:
        plot.write_bytes(session.client.importance_plot(model, format=drawn, **how))
        talk(f"drawn into {plot}")
    for warning in found.warnings:
        talk(f"warning: {warning}")


def _format_of(plot: Path) -> Literal["png", "html"]:
    """Tell by a file's name how to draw into it, before anything is asked."""
    match plot.suffix.lower():
        case ".png":
            return "png"
        case ".html":
            return "html"
    raise BadParameter(f"--plot: want a name that ends in .png or .html, got {plot.name!r}")
