"""A file is a table if its name and its first bytes both say so."""

import pytest

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Compression, Format, Limits, check_text, ignored, told_format

GZIP = b"\x1f\x8b\x08\x00"
ZSTD = b"\x28\xb5\x2f\xfd"


@pytest.mark.parametrize(
    ("file", "head", "format", "compression"),
    [
        ("rows.csv", b"a,b\n", Format.CSV, None),
        ("ROWS.v2.CSV", b"a,b\n", Format.CSV, None),
        ("rows.csv", b"\xff\xfea\x00", Format.CSV, None),
        ("rows.tsv", b"a\tb\n", Format.CSV, None),
        ("rows.csv.gz", GZIP, Format.CSV, Compression.GZIP),
        ("rows.csv.zst", ZSTD, Format.CSV, Compression.ZSTD),
        ("rows.jsonl", b"{}", Format.JSONL, None),
        ("rows.ndjson.gz", GZIP, Format.JSONL, Compression.GZIP),
        ("rows.jsonl.zst", ZSTD, Format.JSONL, Compression.ZSTD),
        ("rows.parquet", b"PAR1", Format.PARQUET, None),
    ],
)
def test_a_format_is_told(
    file: str, head: bytes, format: Format, compression: Compression | None
) -> None:
    assert told_format(file, head) == (format, compression)


@pytest.mark.parametrize(
    ("file", "head", "said"),
    [
        ("rows.csv", b"", "the file is empty"),
        ("rows.xlsx", b"PK\x03\x04", "want a name that ends in .parquet, or .csv"),
        ("csv", b"a,b", "not a table"),
        ("rows.gz", GZIP, "not a table"),
        ("rows", b"a,b\n", "not a table"),
        ("rows.parquet.gz", GZIP, "not a table"),
        ("rows.csv", b"PK\x03\x04", "promises plain text, the file is a ZIP"),
        ("rows.csv", b"\x89PNG\r\n", "the file is a PNG image"),
        ("rows.csv", b"PAR1", "the file is Parquet"),
        ("rows.csv", GZIP, "the file is gzip"),
        ("rows.csv.gz", ZSTD, "promises gzip, the file is zstd"),
        ("rows.csv", b"\xef\xbb\xbf <!DOCTYPE html>", "a page of markup"),
        ("rows.jsonl", b"<?xml version", "a page of markup"),
        ("rows.parquet", b"a,b\n", "promises Parquet, the file is something else"),
        ("rows.csv.gz", b"a,b\n", "promises gzip, the file is something else"),
    ],
)
def test_what_is_no_table_is_refused_saying_what_it_is(file: str, head: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        told_format(file, head)


def test_what_a_compression_was_around_is_looked_at_too() -> None:
    check_text("rows.csv.gz", Compression.GZIP, b"a,b\n")

    with pytest.raises(InvalidInput, match="empty inside gzip"):
        check_text("rows.csv.gz", Compression.GZIP, b"")
    with pytest.raises(InvalidInput, match="inside zstd, got gzip"):
        check_text("rows.csv.zst", Compression.ZSTD, GZIP)


@pytest.mark.parametrize(
    "file", ["", "dataset.json", ".rows.csv", "_SUCCESS", "rows.csv.tmp", "rows.csv~"]
)
def test_what_is_not_to_be_split_is_ignored(file: str) -> None:
    assert ignored(file)


def test_limits_hold_at_n_and_not_at_n_plus_one() -> None:
    limits = Limits(file_bytes=10)

    limits.check_file("rows.csv", 10)

    with pytest.raises(TooLarge, match="at most 10 bytes, got 11"):
        limits.check_file("rows.csv", 11)
