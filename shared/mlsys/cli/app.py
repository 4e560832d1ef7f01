"""All commands, and what they say about themselves; what they do is loaded when they do it."""

from typing import Annotated

from typer import Exit, Option, Typer, echo

from mlsys import __version__
from mlsys.cli import contract, doctor, experiments, models, platform, serving, splits, uploads

app = Typer(
    name="mlsys",
    help=(
        "Drop a table, get a model, call it: on this machine or on Google Cloud.\n\n"
        "Every command speaks to the platform in --home (MLSYS_HOME, default .mlsys), or with "
        "--url (MLSYS_URL) to a deployment. Data go to standard output, talk to standard error.\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a gate, 4 not found."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes longer to import than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(platform.app)
app.add_typer(uploads.app)
app.add_typer(splits.app, name="splits", help="What became of the files that were dropped.")
app.add_typer(contract.app, name="contract", help="What a table is promised to be.")
app.add_typer(experiments.app, name="experiments", help="Studies: ask for one, watch it.")
app.add_typer(models.app, name="models", help="The registry of models.")
app.add_typer(serving.app)
app.add_typer(doctor.app)


@app.callback()
def options(
    *,
    version: Annotated[
        bool, Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Take what is said before a command."""
    if version:
        echo(f"mlsys {__version__}")
        raise Exit
