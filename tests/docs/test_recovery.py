"""The commands that bring a database back name its indexes as Terraform does."""

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import yaml

from tests.docs.pages import OPERATIONS, ROOT

DATABASE = "projects/demo-prod/databases/mlsys-prod-restored"
INDEXES = yaml.safe_load((ROOT / "infra" / "indexes.yaml").read_text())
KEYED = (
    '"${index.collection} ${index.equal} ${index.order_by} ${index.direction}"',
    'field_path = "fields.${each.value.equal}"',
)


def test_every_index_of_a_restored_database_is_imported(tmp_path: Path) -> None:
    page = OPERATIONS.read_text()
    [commands] = re.findall(
        r"^    gcloud firestore indexes .*?^      done$", page, re.MULTILINE | re.DOTALL
    )
    indexes = [
        (collection, equal, row["order_by"])
        for collection, row in INDEXES.items()
        for equal in row["equal"]
    ]
    (tmp_path / "listed").write_text(
        "".join(
            f"{DATABASE}/collectionGroups/{collection}/indexes/C{equal}"
            f"\tfields.{equal}\tfields.{order_by}\tDESCENDING\n"
            for collection, equal, order_by in indexes
        )
    )
    programs = {
        "gcloud": f"cat {tmp_path}/listed",
        "terraform": f'cat; shift; echo "$@" >> {tmp_path}/asked',
    }
    for name, lines in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)

    subprocess.run(
        ["/bin/sh", "-eu", "-c", dedent(commands)],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
    )

    this = "module.platform.module.firestore.google_firestore_index.this"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [
        f'import {this}["{collection} {equal} {order_by} DESCENDING"] '
        f"{DATABASE}/collectionGroups/{collection}/indexes/C{equal}"
        for collection, equal, order_by in indexes
    ]
    module = (ROOT / "infra" / "modules" / "firestore" / "main.tf").read_text()
    assert all(one in module for one in KEYED)
