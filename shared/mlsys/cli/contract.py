"""`mlsys contract`: what the tables of a dataset are promised to be. Needs no platform."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, Typer

from mlsys.cli.command import FAILED, Format, Printed, failures_told, talk

app = Typer(no_args_is_help=True)

Table = Annotated[Path, Argument(exists=True, dir_okay=False, help="CSV, JSON Lines or Parquet.")]


@app.command()
def infer(file: Table) -> None:
    """Draft a dataset.json from a table.

    It asks for what tables of tomorrow will probably keep: types, roles, allowed values.
    """
    with failures_told():
        from mlsys.cli.output import write
        from mlsys.domain.dataset import Dataset
        from mlsys.use_cases.infer import infer_contract

        drafted = Dataset(contract=infer_contract(file))
        write(drafted.model_dump_json(indent=2, exclude_defaults=True))
        talk(
            "mlsys: a draft: give a column the role target, and read every rule before you keep it"
        )


@app.command()
def check(
    file: Table,
    *,
    dataset: Annotated[
        Path | None,
        Option(exists=True, dir_okay=False, help="The dataset.json, if not beside the table."),
    ] = None,
    page: Annotated[Path | None, Option(help="Write a page for people here, too.")] = None,
    format: Printed = Format.TABLE,
) -> None:
    """Hold a table to its contract, as an upload would be now.

    Exits with 1 if it breaks a rule, whatever `on_violation` would do about it.
    """
    with failures_told():
        from datetime import UTC, datetime

        from mlsys.cli.output import print_list, write
        from mlsys.cli.shown import REASONS
        from mlsys.domain.dataset import read_dataset
        from mlsys.domain.reasons_page import reasons_page
        from mlsys.use_cases.infer import check_file

        beside = dataset or file.with_name("dataset.json")
        report = check_file(file, read_dataset(beside.read_bytes()), now=datetime.now(UTC))
        if page is not None:
            page.write_text(reasons_page(report, title=file.name), encoding="utf-8")
        if format is Format.JSON:
            write(report.model_dump_json(indent=2))
        elif report.reasons:
            print_list(report.reasons, REASONS, format=format)
        for warning in report.warnings:
            talk(f"mlsys: {warning}")
        if not report.passed:
            talk(f"mlsys: {report.bad_rows} of {report.rows} rows break a rule about rows")
            raise Exit(FAILED)
        talk(f"mlsys: all {report.rows} rows keep the contract")


@app.command()
def schema() -> None:
    """Print the JSON Schema of dataset.json, for editors."""
    with failures_told():
        from json import dumps

        from mlsys.cli.output import write
        from mlsys.domain.dataset_schema import dataset_schema

        write(dumps(dataset_schema(), indent=2))
