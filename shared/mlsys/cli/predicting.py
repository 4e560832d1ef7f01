"""Predict a file: rows in, a table or JSON lines out."""

from dataclasses import dataclass
from pathlib import Path

from mlsys.cli.command import Format, talk
from mlsys.cli.output import cell, print_table, write
from mlsys.cli.rows import batches, read_rows
from mlsys.domain.answers import Prediction
from mlsys.domain.choices import Stage
from mlsys.domain.split_records import Column
from mlsys.sdk.client import Client

SHOWN_CONTRIBUTIONS = 3


@dataclass(frozen=True)
class Ask:
    """Which model is asked, and how."""

    model: str
    stage: Stage
    version: int | None
    explain: bool
    threshold: float | None
    passthrough: list[str]


def predict_file(client: Client, file: Path, ask: Ask, *, format: Format) -> None:
    """Predict the rows of a file and print them in its order."""
    rows = read_rows(file, lambda: _columns(client, ask))
    found: list[Prediction] = []
    warnings: dict[str, None] = {}
    for batch in batches(rows):
        answer = client.predict(
            ask.model,
            instances=batch,
            stage=None if ask.version is not None else ask.stage,
            version=ask.version,
            explain=ask.explain,
            threshold=ask.threshold,
            passthrough=ask.passthrough,
        )
        found.extend(answer.predictions)
        warnings |= dict.fromkeys(answer.warnings)
    for warning in warnings:
        talk(f"warning: {warning}")
    if format is Format.JSON:
        for one in found:
            write(one.model_dump_json(exclude_none=True))
    else:
        _print_as_table(found, ask)


def strongest(contributions: dict[str, float], *, count: int = SHOWN_CONTRIBUTIONS) -> str:
    """Write the contributions that moved the answer most.

    >>> strongest({"age": 0.5, "height": -2.0, "name": 0.01}, count=2)
    'height -2, age +0.5'

    """
    ranked = sorted(contributions.items(), key=lambda pair: -abs(pair[1]))
    return ", ".join(f"{name} {value:+.3g}" for name, value in ranked[:count])


def _columns(client: Client, ask: Ask) -> list[Column]:
    """Return the columns of the split that the model was learnt from."""
    if ask.version is not None:
        return client.split(client.model(f"{ask.model}-v{ask.version}").split_id).columns
    version = next(client.models(name=ask.model, stage=ask.stage), None)
    return [] if version is None else client.split(version.split_id).columns


def _print_as_table(found: list[Prediction], ask: Ask) -> None:
    several = found[0].probability is not None
    rows = []
    for one in found:
        row = [cell((one.passthrough or {})[name]) for name in ask.passthrough]
        row.append(cell(one.prediction))
        if several:
            row.append(cell(one.probability))
        row += [cell(band) for band in (one.bands or {}).values()]
        if one.explanation is not None:
            row.append(strongest(one.explanation.contributions))
        rows.append(row)
    headers = [*ask.passthrough, "prediction"]
    headers += ["probability"] if several else []
    headers += list(found[0].bands or {})
    headers += ["because of"] if ask.explain else []
    print_table(headers, rows)
