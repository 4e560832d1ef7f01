"""Reads infra/deployables.yaml; a row that is misspelt or lacks what its kind needs is refused."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
TABLE = INFRA / "deployables.yaml"

OF_HTTP = {"paths", "probe", "invokers"}
OF_SERVICES = {"concurrency", "min_instances", "max_instances"}
NEEDED = {
    "http": OF_HTTP | OF_SERVICES,
    "event": {"trigger"} | OF_SERVICES,
    "job": {"retries"},
}


class Deployable(BaseModel):
    """One row; the head of the table says what its columns mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["http", "event", "job"]
    image: str
    alone: bool = False
    paths: list[str] = []
    probe: str = ""
    trigger: dict[Literal["bucket", "topic"], str] = {}
    invokers: list[str] = []
    memory_mib: int
    cpu: int
    concurrency: int | None = None
    timeout_seconds: int
    retries: int | None = None
    min_instances: int | None = None
    max_instances: int | None = None
    roles: dict[str, list[str]]
    environment: dict[str, str]

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        kinds = OF_HTTP | OF_SERVICES | {"trigger", "retries"}
        given = self.model_fields_set & kinds
        if given != NEEDED[self.kind]:
            wrong = sorted(given ^ NEEDED[self.kind])
            raise ValueError(f"a row of kind {self.kind} has too many or too few of {wrong}")
        return self


def read_table(file: Path = TABLE) -> dict[str, Deployable]:
    """Return the rows by name."""
    rows: dict[str, Any] = yaml.safe_load(file.read_text())
    return {name: Deployable.model_validate(row) for name, row in rows.items()}
