"""A number that was written in JSON is written again with the same digits."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.written import Written, json_line, json_lines
from mlsys.edge.parsing import parse_json

CELLS = st.none() | st.booleans() | st.integers() | st.text()
NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})\.[0-9]{1,30}([eE][+-]?[0-9]{1,2})?\Z")


@given(st.dictionaries(st.text(), CELLS))
def test_scalars_are_read_again_as_they_were(row: dict[str, object]) -> None:
    assert json.loads(json_line(row)) == row


@given(NUMBERS)
def test_a_number_keeps_its_digits(digits: str) -> None:
    row = parse_json(f'{{"a": {digits}}}'.encode(), as_written=True)

    assert row["a"] == float(digits)
    assert json_line(row) == f'{{"a":{digits}}}'


def test_a_decimal_keeps_its_digits() -> None:
    assert json_line({"a": Decimal("1.10"), "b": Decimal("1E+2")}) == '{"a":1.10,"b":1E+2}'


def test_a_row_is_a_line() -> None:
    assert json_lines([{"a": 1}, {"b": Written("2.50")}]) == b'{"a":1}\n{"b":2.50}\n'


@pytest.mark.parametrize(
    "cell", [float("nan"), float("inf"), Decimal("NaN"), {}, [], (), {1}, b"bytes", object()]
)
def test_what_is_no_scalar_of_json_is_refused(cell: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        json_line({"a": cell})
