"""Data on standard output: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel
from typer import echo

from mlsys.cli.command import Format

Item = TypeVar("Item", bound=BaseModel)
Columns = Mapping[str, Callable[[Item], object]]

NOTHING = "-"


def print_list(items: Sequence[Item], columns: Columns[Item], *, format: Format) -> None:
    """Print several records: one row each, or one JSON array."""
    if format is Format.JSON:
        write(json.dumps([_plain(item) for item in items], indent=2))
        return
    rows = [[cell(of(item)) for of in columns.values()] for item in items]
    print_table(list(columns), rows)


def print_one(item: Item, columns: Columns[Item], *, format: Format) -> None:
    """Print one record: one line for each column, or one JSON object."""
    if format is Format.JSON:
        write(json.dumps(_plain(item), indent=2))
        return
    width = max(map(len, columns))
    for name, of in columns.items():
        value = cell(of(item))
        if value != NOTHING:
            write(f"{name:<{width}}  {value}")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
    """Align the cells; on a terminal long ones are folded, in a pipe every row is one line."""
    if sys.stdout.isatty():
        # Only here: a table on a terminal is the one place that is worth rich's import.
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(*headers, box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(one, overflow="fold") for one in row))
        Console().print(Padding(table, (0, 0, 0, indent), expand=False))
        return
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    for row in (headers, *rows):
        cells = (one.ljust(width) for one, width in zip(row, widths, strict=True))
        write(" " * indent + "  ".join(cells).rstrip())


def write(line: str) -> None:
    """Write a line of data, now: who reads may have gone."""
    echo(line)
    sys.stdout.flush()


def cell(value: object) -> str:
    """Write a value as a table shows it.

    >>> cell(None), cell(0.98765432), cell({"train": 70, "val": 15}), cell(["a", "b"])
    ('-', '0.987654', 'train 70, val 15', 'a, b')

    """
    match value:
        case Enum():
            text = str(value.value)
        case float():
            text = f"{value:.6g}"
        case datetime():
            text = f"{value:%Y-%m-%d %H:%M:%S}Z"
        case Mapping():
            text = ", ".join(f"{name} {cell(one)}" for name, one in value.items())
        case list() | tuple():
            text = ", ".join(map(cell, value))
        case _:
            text = "" if value is None else " ".join(str(value).split())
    return text or NOTHING


def _plain(item: BaseModel) -> Any:
    return item.model_dump(mode="json")
