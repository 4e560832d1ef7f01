"""Columns that are read as numbers at once are what reading their text would have given."""

import csv
import io
from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mlsys.domain.split_records import ColumnType
from mlsys.domain.types.told_columns import Settled
from mlsys.domain.types.told_types import ToldTypes
from mlsys.use_cases.reading.csv_structure import Dialect
from mlsys.use_cases.reading.number_columns import are_as_their_text
from mlsys.use_cases.reading.row_reader import RowReader
from mlsys.use_cases.reading.sources import Table, nothing_settled
from mlsys.use_cases.reading.text_blocks import TILE_BYTES
from tests.domain.written import FLOATS, INTEGERS, cells, written_columns
from tests.use_cases.reading.tables import opened

NUMBERS = (pl.Int64(), pl.Float64())
BLOCK_BYTES = 200
Seen = list[tuple[list[object], dict[str, list[bool]], bool]]
WANTED = st.sampled_from([ColumnType.INTEGER, ColumnType.FLOAT])
PLAIN = st.sampled_from([INTEGERS, FLOATS, ["0.25", "-3.5", "17", ""], ["5", "NA"]])


def read(table: Table, wanted: Mapping[str, ColumnType], *, text: bool) -> tuple[Seen, list[str]]:
    """Make two passes. Return all that is told of each block, and the remarks."""
    types = ToldTypes(table.names, untyped=table.untyped, wanted=wanted, decimal=table.decimal)
    seen: Seen = []
    for _ in range(2):
        for rows in table.blocks(nothing_settled if text else types.settled):
            typed = types.typed(rows.frame)
            told: list[object] = [cells(column) for column in typed.frame]
            told += [cells(column) for column in rows.raw()]
            unfit = {name: mask.to_list() for name, mask in typed.unfit.items()}
            seen.append((told, unfit, typed.widened))
            event("numbers" if set(rows.frame.dtypes) & set(NUMBERS) else "text")
    return seen, types.remarks()


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, Dialect]:
    """Draw a CSV of columns that are mostly plain numbers."""
    plain = st.lists(PLAIN.flatmap(st.sampled_from), min_size=10, max_size=40)
    drawn = draw(st.lists(plain | written_columns(), min_size=1, max_size=4))
    dialect = Dialect(draw(st.sampled_from(",;|\t:")), draw(st.sampled_from("\"'")))
    file = io.StringIO()
    writer = csv.writer(
        file,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL,
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow(f"c{number}" for number in range(len(drawn)))
    for row in range(max(1, *map(len, drawn))):
        writer.writerow([one[row % len(one)] if one else "" for one in drawn])
    return file.getvalue().encode(), dialect


@settings(max_examples=60)
@given(tables(), st.dictionaries(st.sampled_from(["c0", "c1"]), WANTED))
def test_a_table_is_the_same_with_and_without_its_text(
    written: tuple[bytes, Dialect], wanted: dict[str, ColumnType]
) -> None:
    content, dialect = written
    files = {"rows.csv": content}
    table = opened(files, BLOCK_BYTES, delimiter=dialect.delimiter, quote=dialect.quote)

    by_text, by_number = (read(table, wanted, text=text) for text in (True, False))

    assert by_number == by_text


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_plain_numbers_are_read_without_their_text(delimiter: str) -> None:
    rows = [f"{n},{n / 7!r},a{n},NA\n" for n in range(500)]
    content = "".join(["i,f,t,m\n", *rows]).replace(",", delimiter).encode()
    table = opened({"rows.csv": content}, 2_000)
    types = ToldTypes(table.names, untyped=table.untyped, wanted={})

    schemas = []
    for block in table.blocks(types.settled):
        schemas.append(block.frame.dtypes)
        types.typed(block.frame)

    assert len(schemas) > 5
    assert set(map(tuple, schemas[1:])) == {(pl.Int64(), pl.Float64(), pl.String(), pl.String())}


def test_a_word_that_was_read_as_missing_before_is_no_hindrance() -> None:
    table = opened({"rows.csv": b"x,y\n" + b"NA,1\n7,2\n" * 99}, 100)
    types = ToldTypes(table.names, untyped=table.untyped, wanted={})

    frames = [
        (block.frame, types.typed(block.frame).frame)[0] for block in table.blocks(types.settled)
    ]

    assert frames[0].dtypes == [pl.String, pl.String]
    assert {dtype for frame in frames[1:] for dtype in frame.dtypes} == {pl.Int64}
    assert types.remarks() == ["column 'x': NA read as missing"]


def test_a_missing_word_in_one_column_leaves_empty_text_in_another_as_it_is() -> None:
    settled = {"x": Settled(pl.Int64(), "NA"), "y": Settled(pl.Int64(), None)}

    rows = RowReader(["x", "t", "y"], Dialect(), lambda: settled).read(b'NA,"",1\n')

    assert rows is not None
    assert rows.frame.rows() == [("NA", "", 1)]


def test_after_each_failure_more_blocks_are_read_as_text_at_once() -> None:
    reader = RowReader(["x"], Dialect(), lambda: {"x": Settled(pl.Int64(), None)})

    found = ""
    for cell in ["1", "+1", "1", "1", "+1", "1", "1", "1", "+1", "1", "1", "1", "1", "1"]:
        rows = reader.read(f"{cell}\n".encode())
        assert rows is not None
        found += "n" if rows.frame.schema["x"] == pl.Int64() else "t"

    assert found == "nttntttnt" + "tttt" + "n"


FLOAT_AND_TEXT = (pl.Float64(), pl.String())


def proved(
    rows: bytes, delimiter: str = ",", dtypes: tuple[pl.DataType, ...] = FLOAT_AND_TEXT
) -> bool:
    """Say whether columns are proved to be what their text is."""
    dialect = Dialect(delimiter)
    schema = {f"c{number}": dtype for number, dtype in enumerate(dtypes)}
    frame = pl.read_csv(rows, has_header=False, schema=schema, separator=delimiter)
    return are_as_their_text(frame, rows, dialect)


ODD_FLOATS = ["+1", "007", "-007", "00.5", "-00.5", " +1", " 01", "\t1", " \t1", "-0", '"+1"']
ODD_FLOATS += ["inf", "-inf", "nan", "1e400", '"01"', '"\t1"', '" 01"', "9007199254740992", "1e300"]
ODD_FLOATS += ["0.123456789012345678", "123456789012345678e-5", "-.123456789012345678"]
ODD_FLOATS += ["0.000123456789012345678", "1234567.12345678901", "0." + "0" * 70 + "1"]


@pytest.mark.parametrize("cell", ODD_FLOATS)
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("text", ["a", "01234", "+49", "\tb", "12345678901234567890", "2024-01-05"])
def test_a_number_that_only_its_text_tells_is_not_proved(
    cell: str, delimiter: str, text: str
) -> None:
    rows = f"1,{text}\n{cell},{text}\n1,{text}\n".replace(",", delimiter).encode()

    assert not proved(rows, delimiter)


@pytest.mark.parametrize("cell", ["+1", "007", "-0", "-007", "\t1", '"+1"', " 01"])
def test_an_integer_that_only_its_text_tells_is_not_proved(cell: str) -> None:
    assert not proved(f"1,a\n{cell},a\n".encode(), dtypes=(pl.Int64(), pl.String()))


PLAIN_FLOATS = ["0", "-0.0", "0.5", ".5", "-.5", "5.", "1e-05", "1.5E+10", " 1", '"1"', '" 1"', " "]
PLAIN_FLOATS += ["", "0.12345678901234567", "-0.012345678901234567", "0.00012345678901234567"]
PLAIN_FLOATS += ["1.2345678901234567", "12345678901234567e-5", "9007199254740991", "1.0e05"]


@pytest.mark.parametrize("cell", PLAIN_FLOATS)
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    "text",
    [
        "a",
        "01234",
        "+49 01",
        "b\t01",
        "12345678901234567890",
        "2024-01-05",
        "-0",
        "1.2.3",
        '"0;""01"',
    ],
)
def test_what_stands_in_columns_of_text_is_no_hindrance(
    cell: str, delimiter: str, text: str
) -> None:
    rows = "".join(f"{cell}\v{text}\n" for _ in range(3)).replace("\v", delimiter)

    assert proved(rows.encode(), delimiter)


def test_long_integers_are_no_long_floats() -> None:
    dtypes = (pl.Float64(), pl.Int64())

    assert proved(b"0.5,1234567890123456789\n0.5,-123456789012345678\n,\n", dtypes=dtypes)
    assert not proved(b"0.5,1234567890123456789\n0.123456789012345678,1\n", dtypes=dtypes)


@pytest.mark.parametrize("cell", ["+1", "-01", "-0", "\t1", "0.0" + "1" * 18, "1" * 18 + "e-9"])
@pytest.mark.parametrize("text", ["t", "-01", "1" * 18])
def test_nothing_is_overlooked_where_two_tiles_meet(cell: str, text: str) -> None:
    odd = []
    for shift in range(90):
        filler = b"a" * (TILE_BYTES - 80 + shift)
        rows = b"1,%b\n%b,%b\n" % (filler, cell.encode(), text.encode())
        odd.append(not proved(rows))

    assert all(odd)


@pytest.mark.parametrize("text", ["-01", "1" * 18, "0." + "0" * 50 + "1" * 9, "0" * 80])
def test_nothing_is_counted_twice_where_two_tiles_meet(text: str) -> None:
    for shift in range(90):
        filler = b"a" * (TILE_BYTES - 80 + shift)

        assert proved(b"1,%b\n1,%b\n" % (filler, text.encode()))


@pytest.mark.parametrize("delimiter", [":", "1", "-", "a"])
def test_delimiters_that_could_be_part_of_a_number_are_not_tried(delimiter: str) -> None:
    assert not proved(f"5{delimiter}x\n".encode(), delimiter)
