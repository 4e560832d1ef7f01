"""Files of many kinds, and several, divide into the same parts."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from backports import zstd

from tests.use_cases.reading.tables import parquet_of
from tests.use_cases.splitting.divisions import FILES, TARGET, classes, divided


@pytest.mark.parametrize(
    "split", [{}, {"strategy": "stratified", "target_column": "y"}], ids=["random", "stratified"]
)
def test_several_files_are_one_table(tmp_path: Path, split: dict[str, Any]) -> None:
    lines = classes(90).splitlines(keepends=True)
    files = {f"part-{n}.csv": b"".join([lines[0], *lines[1 + n :: 3]]) for n in range(3)}

    division = divided(tmp_path, files, split=split)

    assert sorted(division.table["id"]) == [f"{n:03}" for n in range(90)]
    assert [one is not None for one in division.moved.sources] == [True] * 3


def test_a_text_in_many_formats_gives_the_same_files(tmp_path: Path) -> None:
    rows = [{"id": n, "y": "yes" if n % 3 else "no"} for n in range(60)]
    text = "\n".join(["id,y", *(f"{one['id']},{one['y']}" for one in rows)]).encode()
    lines = "\n".join(map(json.dumps, rows)).encode()
    forms = {
        "rows.csv": text,
        "rows.tsv": text.replace(b",", b"\t"),
        "rows.csv.gz": gzip.compress(text),
        "rows.csv.zst": zstd.compress(text),
        "rows.jsonl": lines,
        "rows.ndjson.gz": gzip.compress(lines),
        "rows.parquet": parquet_of(pl.DataFrame(rows)),
    }

    found = set()
    for name, content in forms.items():
        (tmp_path / name).mkdir()
        division = divided(tmp_path / name, {name: content}, contract=TARGET)
        found.add(tuple(division.moved.parts[one].sha256 for one in FILES))
        assert division.outcome.read_as["format"] in name.replace("ndjson", "jsonl").replace(
            "tsv", "csv"
        )

    assert len(found) == 1
