"""A local file is read whole, or refused with the row that is wrong."""

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Limits
from mlsys.domain.tables import RawTable
from mlsys.use_cases.read_table import read_table


def parquet_of(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def read(folder: Path, file: str, content: bytes, **limits: int) -> RawTable:
    path = folder / "source"
    path.write_bytes(content)
    return read_table(path, file, limits=Limits.model_validate(limits))


def columns(raw: RawTable) -> dict[str, list[Any]]:
    return raw.frame.to_dict(as_series=False)


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (b"a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        (b"a,b\n1,2", {"a": ["1"], "b": ["2"]}),
        (b"a,b\n1,2\n\n\n", {"a": ["1"], "b": ["2"]}),
        (b'a,b\n"",\n3,4\n', {"a": ["", "3"], "b": [None, "4"]}),
        (b'a,b\n"x,""y""\nz",2\n', {"a": ['x,"y"\nz'], "b": ["2"]}),
        (b'a,"b ""c"""\n1,2\n', {"a": ["1"], 'b "c"': ["2"]}),
        (b"a\n1\n\n3\n", {"a": ["1", None, "3"]}),
        (b"a,a_duplicated_0\n001,2\n", {"a": ["001"], "a_duplicated_0": ["2"]}),
        ("a,b\nZoë,\u2028\n".encode(), {"a": ["Zoë"], "b": ["\u2028"]}),
    ],
)
def test_a_csv_is_read_cell_by_cell(
    tmp_path: Path, content: bytes, table: dict[str, list[str | None]]
) -> None:
    raw = read(tmp_path, "rows.csv", content)

    assert columns(raw) == table
    assert raw.first_row == 2
    assert set(raw.untyped) == set(table)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "no columns"),
        (b"a,b\n", "a header and not one row"),
        (b"a,b", "a header and not one row"),
        (b"a,b\n1\n3,4\n5,6,7\n", "2 row.s. have another .*: row 2 has 1 .*row 4 has 3 field"),
        (b"a,b\n1,2\n\n3,4\n", "row 3 has 0 field"),
        (b"a,b\n\n\n3,4\n", "2 row.s. have another"),
        (b"a,,a\n1,2,3\n", "column 2 has no name; 'a' is the name of 2 columns"),
        (b"a,b\n1,caf\xe9\n", "line 2 is not UTF-8 at byte 9 .0xe9."),
        (b"\xef\xbb\xbfa,\xff\n1,2\n", "line 1 is not UTF-8 at byte 5"),
        (b"a,b\n1,\x00\n", "line 2 has a NUL at byte 6"),
        (b"a;b\n1;2\n", "separated by ';': want commas"),
        (b'a,b\n"1,2\n3,4\n', "line 3"),
        (b'a,b\nx"y,2\n3,4\n', "the quotes do not add up"),
        (b"a,b\r1,2\r", "line 0: a carriage return stands alone"),
        (b"a,b\r\n1,2\r\r\n", "line 1: a carriage return stands alone"),
        (b"\x89PNG\r\n\x1a\n\x00", "PNG image"),
        (b"<html><body>no</body></html>", "markup"),
    ],
)
def test_a_bad_csv_is_refused_with_the_place(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, "rows.csv", content)


@given(st.text(st.sampled_from('ab1",\n\r é'), max_size=24), st.integers(1, 3))
def test_what_is_read_is_what_another_parser_reads(body: str, width: int) -> None:
    text = ",".join("xyz"[:width]) + "\n" + body
    with TemporaryDirectory() as folder:
        try:
            raw = read(Path(folder), "rows.csv", text.encode())
        except InvalidInput:
            return

    rows = [row or [""] for row in csv.reader(io.StringIO(text, newline=""), strict=True)][1:]
    while width > 1 and rows[-1] == [""]:
        rows.pop()
    assert [[cell or "" for cell in row] for row in raw.frame.rows()] == rows


def test_of_many_ragged_rows_the_first_hundred_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="150 row") as caught:
        read(tmp_path, "rows.csv", b"a,b\n" + b"1\n" * 150)

    assert len(caught.value.violations) == 100
    assert caught.value.violations[99].field == "row 101"


def test_a_long_line_is_refused_without_being_read(tmp_path: Path) -> None:
    content = b"a,b\n1," + b"x" * 100 + b"\n"

    read(tmp_path, "rows.csv", content, line_bytes=103)

    with pytest.raises(TooLarge, match="line 2 is longer than 102 bytes"):
        read(tmp_path, "rows.csv", content, line_bytes=102)


def test_a_gzip_is_unpacked_up_to_a_limit(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000)

    raw = read(tmp_path, "rows.csv.gz", packed, unpacked_bytes=4_004)

    assert raw.frame.height == 1_000
    with pytest.raises(TooLarge, match="more than 4003 bytes inside gzip"):
        read(tmp_path, "rows.csv.gz", packed, unpacked_bytes=4_003)


@pytest.mark.parametrize("cut", [5, 40, -4])
def test_a_gzip_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(b"a,b\n" + bytes(str(list(range(999))), "ascii"))

    with pytest.raises(InvalidInput, match="the gzip is damaged or cut off"):
        read(tmp_path, "rows.csv.gz", packed[:cut])


def test_a_gzip_with_damaged_content_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"a,b\n1,2\n" * 100))
    packed[15] ^= 0xFF

    with pytest.raises(InvalidInput, match="the gzip is damaged or cut off"):
        read(tmp_path, "rows.csv.gz", bytes(packed))


def test_json_lines_keep_every_digit(tmp_path: Path) -> None:
    lines = b'{"a": 9007199254740993, "b": "001", "c": true}\n{"c": null, "d": 0.10, "b": "x"}\n\n'

    raw = read(tmp_path, "rows.jsonl", lines)

    assert columns(raw) == {
        "a": ["9007199254740993", None],
        "b": ["001", "x"],
        "c": ["true", None],
        "d": [None, "0.10"],
    }
    assert set(raw.untyped) == {"a", "c", "d"}


def test_many_json_lines_are_put_together_in_order(tmp_path: Path) -> None:
    lines = "\n".join(
        json.dumps({"n": n} | ({"late": 1} if n > 24_990 else {})) for n in range(25_000)
    )

    raw = read(tmp_path, "rows.ndjson.gz", gzip.compress(lines.encode()))

    assert raw.frame["n"].to_list() == [str(n) for n in range(25_000)]
    assert raw.frame["late"].null_count() == 24_991


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a": 1\n', "line 2 is not JSON"),
        (b"[1, 2]\n", "line 1: want an object"),
        (b'{"a": [1]}\n', "line 1: 'a' is not a number"),
        (b'{"a": 1, "a": 2}\n', "a key is there twice"),
        (b'{"a": NaN}\n', "NaN is not JSON"),
        (b'{"a": "\\ud800"}\n', "line 1: 'a' is not a number, text"),
        (b'{"a": 1}\n\n{"a": 2}\n', "line 2 is blank"),
        (b'{"": 1}\n', "column 1 has no name"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"{}\n", "no columns"),
        (b'{"a": "\xe9"}\n', "line 1 is not UTF-8 at byte 7"),
    ],
)
def test_bad_json_lines_are_refused_with_the_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, "rows.jsonl", content)


def test_a_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [2**53 + 1, None], "b": ["001", "x"]})

    raw = read(tmp_path, "rows.parquet", parquet_of(frame))

    assert raw.frame.equals(frame)
    assert raw.first_row == 1
    assert not raw.untyped


@pytest.mark.parametrize("kept", [4, 100, 0.5, -1, -8])
def test_a_parquet_that_is_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    whole = parquet_of(pl.DataFrame({"a": list(range(1_000))}))
    cut = whole[: int(len(whole) * kept) if kept == 0.5 else int(kept)]

    with pytest.raises(InvalidInput, match="the Parquet is damaged or cut off"):
        read(tmp_path, "rows.parquet", cut)


def test_a_parquet_is_measured_before_it_is_decoded(tmp_path: Path) -> None:
    content = parquet_of(pl.DataFrame({"a": [0] * 1_000, "b": [0] * 1_000}))

    read(tmp_path, "rows.parquet", content, cells=2_000)

    with pytest.raises(TooLarge, match="at most 1999 cells, got 1000 rows of 2 columns"):
        read(tmp_path, "rows.parquet", content, cells=1_999)


def test_an_empty_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not one row"):
        read(tmp_path, "rows.parquet", parquet_of(pl.DataFrame({"a": [1]}).clear()))
