"""`mlsys predict` and `mlsys importance`: call a model."""

from typing import Annotated

from typer import Option, Typer

from mlsys.cli.command import Input, Session, Stage, command, talk

app = Typer()

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
    limit: Annotated[int | None, Option(min=1, help="Only the first features.")] = None,
) -> None:
    """Rank the features a model goes by.

    By mean absolute SHAP value, on rows that it was not trained on.
    """
    from mlsys.cli import shown
    from mlsys.cli.output import print_list

    found = session.client.importance(
        model,
        stage=None if version is not None else stage,
        version=version,
        max_samples=max_samples,
    )
    print_list(found.importances[:limit], shown.IMPORTANCES, format=session.format)
    talk(f"{found.method} of {found.model_id}, {found.samples} rows of {found.split}")
    for warning in found.warnings:
        talk(f"warning: {warning}")
