"""A file is a table if its name and its first bytes both say so."""

import pytest

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Format, Limits, check_text, ignored, told_format

GZIP = b"\x1f\x8b\x08\x00"


@pytest.mark.parametrize(
    ("file", "head", "format", "gzipped"),
    [
        ("rows.csv", b"a,b\n", Format.CSV, False),
        ("ROWS.CSV", b"a,b\n", Format.CSV, False),
        ("rows.csv.gz", GZIP, Format.CSV, True),
        ("rows.jsonl", b"{}", Format.JSONL, False),
        ("rows.ndjson.gz", GZIP, Format.JSONL, True),
        ("rows.parquet", b"PAR1", Format.PARQUET, False),
    ],
)
def test_a_format_is_told(file: str, head: bytes, format: Format, *, gzipped: bool) -> None:
    assert told_format(file, head) == (format, gzipped)


@pytest.mark.parametrize(
    ("file", "head", "said"),
    [
        ("rows.csv", b"", "the file is empty"),
        ("rows.xlsx", b"PK\x03\x04", "want a name that ends in .csv"),
        ("rows.csv.zst", b"\x28\xb5\x2f\xfd", "want a name that ends in .csv"),
        ("rows", b"a,b\n", "not a table"),
        ("rows.parquet.gz", GZIP, "not a table"),
        ("rows.csv", b"PK\x03\x04", "promises plain text, the file is a ZIP"),
        ("rows.csv", b"\x89PNG\r\n", "the file is a PNG image"),
        ("rows.csv", b"PAR1", "the file is Parquet"),
        ("rows.csv", GZIP, "the file is gzip"),
        ("rows.csv", b"\xff\xfea\x00", "UTF-16"),
        ("rows.csv", b"\xef\xbb\xbf <!DOCTYPE html>", "a page of markup"),
        ("rows.jsonl", b"<?xml version", "a page of markup"),
        ("rows.parquet", b"a,b\n", "promises Parquet, the file is something else"),
        ("rows.csv.gz", b"a,b\n", "promises gzip, the file is something else"),
    ],
)
def test_what_is_no_table_is_refused_saying_what_it_is(file: str, head: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        told_format(file, head)


def test_what_gzip_was_around_is_looked_at_too() -> None:
    check_text("rows.csv.gz", b"a,b\n")

    with pytest.raises(InvalidInput, match="empty inside gzip"):
        check_text("rows.csv.gz", b"")
    with pytest.raises(InvalidInput, match="got gzip"):
        check_text("rows.csv.gz", GZIP)


@pytest.mark.parametrize(
    "file", ["", "dataset.json", ".rows.csv", "_SUCCESS", "rows.csv.tmp", "rows.csv~"]
)
def test_what_is_not_to_be_split_is_ignored(file: str) -> None:
    assert ignored(file)


def test_limits_hold_at_n_and_not_at_n_plus_one() -> None:
    limits = Limits(file_bytes=10, cells=6)

    limits.check_file("rows.csv", 10)
    limits.check_cells("rows.csv", 3, 2)

    with pytest.raises(TooLarge, match="at most 10 bytes, got 11"):
        limits.check_file("rows.csv", 11)
    with pytest.raises(TooLarge, match="at most 6 cells, got 7 rows of 1 columns"):
        limits.check_cells("rows.csv", 7, 1)
