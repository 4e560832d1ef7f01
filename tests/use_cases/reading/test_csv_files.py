"""Several CSV files are one table, and lines without an end are refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Limits
from mlsys.use_cases.reading.tables_in import open_table
from tests.use_cases.reading.tables import Files, columns, opened, rows_of


class Endless(Files):
    """Files that never end, and count how much of them was asked for."""

    given = 0

    @contextmanager
    def open(self, index: int) -> Iterator[BinaryIO]:
        with super().open(index) as opened:
            read = opened.read

            def more(size: int = -1) -> bytes:
                self.given += size
                return read(size) or b"x" * size

            opened.read = more  # type: ignore[method-assign]
            yield opened


def test_a_long_line_is_refused() -> None:
    content = b"a,b\n1," + b"x" * 100 + b"\n"

    rows_of(opened({"rows.csv": content}, line_bytes=103))

    with pytest.raises(TooLarge, match="line 2 is longer than 102 bytes"):
        rows_of(opened({"rows.csv": content}, line_bytes=102))


@pytest.mark.parametrize("block_bytes", [10, 2**24])
def test_a_long_row_of_many_lines_is_refused(block_bytes: int) -> None:
    content = b'a,b\n1,2\n1,"' + b"x\n" * 50 + b'"\n'

    rows_of(opened({"rows.csv": content}, block_bytes, line_bytes=105))

    with pytest.raises(TooLarge, match="the row from line 3 on is longer than 103 bytes"):
        rows_of(opened({"rows.csv": content}, block_bytes, line_bytes=103))


@pytest.mark.parametrize(("start", "number"), [(b"", 1), (b"a,b\n1,2\n", 3)])
def test_a_line_without_an_end_is_refused_before_it_is_read(start: bytes, number: int) -> None:
    endless = Endless({"rows.csv": start})

    with pytest.raises(TooLarge, match=f"line {number} is longer than 1000 bytes"):
        rows_of(open_table(endless, ReadOptions(), Limits(line_bytes=1000), block_bytes=500))

    assert endless.given < 2**21


def test_several_files_are_one_table() -> None:
    files = {"a.csv": b"a;b\n1;2\n\n", "b.csv": b"a;b\r\n3;4", "c.csv": b"\xef\xbb\xbfa;b\n"}

    assert columns(files) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert opened(files).count() == 2


def test_files_with_other_columns_are_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"^b\.csv: its columns are not those of a\.csv: .*b,a"):
        columns({"a.csv": b"a,b\n1,2\n", "b.csv": b"b,a\n1,2\n"})
    with pytest.raises(InvalidInput, match=r"^b\.csv: 1 row.s. have .*: row 3 has 1 field"):
        columns({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n3\n"})


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "there is no file"),
        (["a.csv", "b.jsonl"], "b.jsonl: want the format and compression of a.csv"),
        (["a.csv", "b.csv.gz"], "b.csv.gz: want the format"),
        (["a.txt"], "a.txt: not a table"),
    ],
)
def test_files_that_do_not_go_together_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        opened(dict.fromkeys(names, b"a,b\n1,2\n"))
