"""CSV is read cell by cell as it stands there, or refused with the place that is wrong."""

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.use_cases.reading import csv_blocks
from mlsys.use_cases.reading.csv_structure import Dialect
from mlsys.use_cases.reading.ragged_rows import RaggedRows
from mlsys.use_cases.reading.row_reader import RowReader
from mlsys.use_cases.reading.sources import Rows
from mlsys.use_cases.reading.text_blocks import TextForm
from tests.use_cases.reading.tables import opened, rows_of


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (b"a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        (b"a,b\n1,2", {"a": ["1"], "b": ["2"]}),
        (b"a,b\n1,2\n\n\n", {"a": ["1"], "b": ["2"]}),
        (b"a,b\r\n1,2\r\n\r\n", {"a": ["1"], "b": ["2"]}),
        (b'a,b\n"",\n3,4\n', {"a": ["", "3"], "b": [None, "4"]}),
        (b'a,b\n"x,""y""\nz",2\n', {"a": ['x,"y"\nz'], "b": ["2"]}),
        (b'a,b\n"x\ry",2\n', {"a": ["x\ry"], "b": ["2"]}),
        (b'a,"b ""c"""\n1,2\n', {"a": ["1"], 'b "c"': ["2"]}),
        (b'"a\nb",c\n1,2\n', {"a\nb": ["1"], "c": ["2"]}),
        (b"a\n1\n\n3\n", {"a": ["1", None, "3"]}),
        (b"a\n1\n\n", {"a": ["1", None]}),
        (b"a,a_duplicated_0\n001,2\n", {"a": ["001"], "a_duplicated_0": ["2"]}),
        ("a,b\nZoë,\u2028\n".encode(), {"a": ["Zoë"], "b": ["\u2028"]}),
        (b"a,b\nx^2,1\nx\x01,2\n", {"a": ["x^2", "x\x01"], "b": ["1", "2"]}),
        (b"a\nx\x01\n", {"a": ["x\x01"]}),
        (b"#a,b\n#1, 2 \n", {"#a": ["#1"], "b": [" 2 "]}),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 7, 2**24])
def test_a_csv_is_read_cell_by_cell(
    content: bytes, table: dict[str, list[str | None]], block_bytes: int
) -> None:
    found = opened({"rows.csv": content}, block_bytes)

    assert rows_of(found).to_dict(as_series=False) == table
    assert found.count() == len(next(iter(table.values())))
    assert opened({"rows.csv": content}, block_bytes).count() == found.count()
    assert found.first_row == 2
    assert set(found.untyped) == set(table)
    assert found.warnings == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "no columns"),
        (b"\xef\xbb\xbf", "no columns"),
        (b"a,b\n", "a header and not one row"),
        (b"a,b", "a header and not one row"),
        (b"a,b\n1\n3,4\n5,6,7\n", "2 row.s. have another .*: row 2 has 1 .*row 4 has 3 field"),
        (b"a,b\n1,2,3\n4\n", "2 row.s. have another .*: row 2 has 3 .*row 3 has 1 field"),
        (b"a,b,c\n1,\n", "row 2 has 2 field"),
        (b"a,b\n1,2,\n", "row 2 has 3 field"),
        (b"a,b\n1,2\n\n3,4\n", "row 3 has 0 field"),
        (b"a,b\n\n\n3,4\n", "2 row.s. have another"),
        (b"a\n1\n\n2,3\n", "1 row.s. have another .*: row 4 has 2 field.s., want 1"),
        (b"a,,a\n1,2,3\n", "column 2 has no name; 'a' is the name of 2 columns"),
        (b"\xef\xbb\xbfa,\xff\xff\xff\n1,2\n", "line 1 is not UTF-8 at byte 5 .0xff.*encoding"),
        ("a,b\n1,Zoë\n".encode() + b"2,Zo\xeb\n", "line 3 is not UTF-8 at byte 15 .0xeb."),
        (b"a,b\n1,\x00\n", "line 2 has a NUL at byte 6"),
        (b'a,b\n3,4\n"1,2\n3,4\n', "line 3: a quote is opened in this row and not closed"),
        (b'a,b\n1,2\nx"y,2\n3,4\n', "line 3: the quotes do not add up"),
        (b'a,b\n"x"y,2\n3,4\n', "line 2: the quotes do not add up"),
        (b'a,b\nx""y,2\n', "line 2: the quotes do not add up"),
        (b'a,b\n1, "2"\n', "line 2: the quotes do not add up"),
        (b'"a,b\n1,2\n', "the header cannot be read: unexpected end of data"),
        (b"a,b\r1,2\r", "line 1: a carriage return stands alone"),
        (b"a,b\r\n1,2\r\r\n", "line 2: a carriage return stands alone"),
        (b'a,b\r\n"1",2\r3,4\r\n', "line 2: a carriage return stands alone"),
        (b'a,b\r\n"1"\r,2\r\n', "line 2: a carriage return stands alone"),
        (b"\x89PNG\r\n\x1a\n\x00", "PNG image"),
        (b"<html><body>no</body></html>", "markup"),
    ],
)
def test_a_bad_csv_is_refused_with_the_place(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        rows_of(opened({"rows.csv": content}))


def written(rows: list[list[str]], quoting: Literal[0, 1, 2], delimiter: str, end: str) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=quoting, delimiter=delimiter, lineterminator=end)
    writer.writerow("wxyz"[: len(rows[0])])
    writer.writerows(rows)
    return file.getvalue().encode()


DIALECTS = st.tuples(
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(",;\t|^"),
    st.sampled_from(["\n", "\r\n"]),
)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.text(st.sampled_from("ab1\",;'\n\r \té€"), max_size=6),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
            max_size=12,
        )
    ),
    DIALECTS,
    st.integers(1, 40),
    st.integers(1, 9),
)
def test_what_another_program_wrote_is_read_back(
    rows: list[list[str]],
    dialect: tuple[Literal[0, 1, 2], str, str],
    block_bytes: int,
    most: int,
) -> None:
    quoting, delimiter, end = dialect
    if end == "\n":
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    content = written(rows, quoting, delimiter, end)

    table = opened({"rows.csv": content}, block_bytes, most, delimiter=delimiter)

    assert [[cell or "" for cell in row] for row in rows_of(table).rows()] == rows
    assert table.count() == len(rows)
    assert opened({"rows.csv": content}, most=most, delimiter=delimiter).count() == len(rows)


@given(
    st.text(st.sampled_from('ab1",\n\r é'), max_size=24),
    st.integers(1, 3),
    st.integers(1, 30),
)
@example('1,2,"', 2, 30)
def test_what_is_read_is_what_another_parser_reads(body: str, width: int, block_bytes: int) -> None:
    text = ",".join("xyz"[:width]) + "\n" + body
    table = opened({"rows.csv": text.encode()}, block_bytes, delimiter=",", quote='"')
    try:
        found = rows_of(table).rows()
    except InvalidInput:
        return

    rows = [row or [""] for row in csv.reader(io.StringIO(text, newline=""), strict=True)][1:]
    while width > 1 and rows[-1] == [""]:
        rows.pop()
    assert [[cell or "" for cell in row] for row in found] == rows
    assert table.count() == len(rows)


@given(st.data())
def test_blocks_depend_on_the_content_and_not_on_how_it_arrives(data: st.DataObject) -> None:
    content = b'a,b\n1,"2\n3"\n' + b"4,5\n" * 9
    block_bytes = data.draw(st.integers(1, 50))

    slow, fast = (
        opened({"rows.csv": content}, block_bytes, most)
        for most in (data.draw(st.integers(1, 9)), 2**16)
    )

    pairs = zip_longest(slow.blocks(), fast.blocks())
    assert all(one.frame.equals(other.frame) for one, other in pairs)


class Unchecked(csv_blocks.CsvTable):
    """Believes Polars, as if every row had all cells."""

    def _parsed(
        self, content: bytes, rows: int, delimiters: int, form: TextForm, reader: RowReader
    ) -> Iterator[Rows | None]:
        del delimiters
        return super()._parsed(content, rows, (len(self.names) - 1) * rows, form, reader)


def test_without_the_count_of_delimiters_a_short_row_would_be_filled_up() -> None:
    table = opened({"rows.csv": b"a,b\n1,2\n3\n"})
    assert isinstance(table, csv_blocks.CsvTable)
    table.__class__ = Unchecked

    assert rows_of(table).to_dict(as_series=False) == {"a": ["1", "3"], "b": ["2", None]}


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (b"\n", ["a"]),
        (b"1,\n", ["a", "b"]),
        (b"," * 1_999 + b"\n", [f"c{n}" for n in range(2_000)]),
    ],
    ids=["blank", "narrow", "wide"],
)
def test_cells_that_take_more_memory_than_text_make_short_blocks(
    row: bytes, names: list[str]
) -> None:
    content = ",".join(names).encode() + b"\n" + row * (10 * 2**20 // len(row))

    shapes = [block.frame.shape for block in opened({"rows.csv": content}).blocks()]

    assert sum(height for height, _ in shapes) == 10 * 2**20 // len(row)
    assert max(height * width for height, width in shapes) <= csv_blocks.BLOCK_CELLS


def test_a_bad_row_is_found_among_narrow_ones_too() -> None:
    content = b"a,b\n" + b",\n" * 3_000_000

    with pytest.raises(InvalidInput, match="row 3000002 has 3 field"):
        rows_of(opened({"rows.csv": content + b",,\n"}))


def test_of_many_ragged_rows_the_first_hundred_are_named() -> None:
    with pytest.raises(InvalidInput, match="150 or more row") as caught:
        rows_of(opened({"rows.csv": b"a,b\n" + b"1\n" * 150}))

    assert len(caught.value.violations) == 100
    assert caught.value.violations[99].field == "row 101"


def test_ragged_rows_are_named_over_many_blocks() -> None:
    content = b"a,b\n" + b"1,2\n" * 9 + b"\n" * 9 + b"3\n" + b"1,2\n" * 9 + b"4\n\n"

    with pytest.raises(InvalidInput, match=r"11 row.s. have") as caught:
        rows_of(opened({"rows.csv": content}, 8))

    rows = [*range(11, 20), 20, 30]
    assert [one.field for one in caught.value.violations] == [f"row {row}" for row in rows]


def test_a_gap_of_many_blank_lines_is_counted_and_not_listed() -> None:
    with pytest.raises(InvalidInput, match="250 or more row") as caught:
        rows_of(opened({"rows.csv": b"a,b\n1,2\n" + b"\n" * 250 + b"1,2\n"}, 50))

    assert len(caught.value.violations) == 100


def test_two_readers_that_do_not_agree_are_no_reason_to_lose_rows() -> None:
    with pytest.raises(InvalidInput, match="the rows from row 7 on cannot be told apart"):
        RaggedRows("rows.csv", 2).look(b"1,2\n", Dialect(), row=7)
