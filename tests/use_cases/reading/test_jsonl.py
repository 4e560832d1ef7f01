"""JSON Lines keep every digit, or are refused with the line."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput, TooLarge
from tests.use_cases.reading.tables import columns, opened, rows_of

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))


def test_json_lines_keep_every_digit() -> None:
    lines = b'{"a": 9007199254740993, "b": "001", "c": true}\n{"c": null, "d": 0.10, "b": "x"}\n\n'

    table = opened({"rows.jsonl": lines})

    assert rows_of(table).to_dict(as_series=False) == {
        "a": ["9007199254740993", None],
        "b": ["001", "x"],
        "c": ["true", None],
        "d": [None, "0.10"],
    }
    assert table.untyped == {"a", "c", "d"}
    assert table.count() == 2
    assert table.first_row == 1
    assert table.read_as == {"format": "jsonl", "compression": None, "encoding": "utf-8"}
    assert table.warnings == []


def test_a_column_of_many_kinds_is_text_as_it_was_written() -> None:
    lines = (
        b'{"a": 1e5, "b": null}\n{"a": true, "b": null}\n{"a": "x"}\n{"a": false}\n{"b": null}\n'
    )

    table = opened({"rows.jsonl": lines})

    assert rows_of(table)["a"].to_list() == ["1e5", "true", "x", "false", None]
    assert rows_of(table)["b"].to_list() == [None] * 5
    assert table.untyped == set()


def test_many_json_lines_are_put_together_in_order() -> None:
    lines = "\n".join(
        json.dumps({"n": n} | ({"late": 1} if n > 24_990 else {})) for n in range(25_000)
    )

    frame = rows_of(opened({"rows.ndjson.gz": gzip.compress(lines.encode())}, 2**17))

    assert frame["n"].to_list() == [str(n) for n in range(25_000)]
    assert frame["late"].null_count() == 24_991


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), CELLS, min_size=1), min_size=1, max_size=9),
    st.integers(1, 90),
)
def test_what_another_program_wrote_is_read_back(
    rows: list[dict[str, object]], block_bytes: int
) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)

    table = opened({"rows.jsonl": lines.encode()}, block_bytes)

    def text(value: object) -> object:
        return value if value is None or isinstance(value, str) else json.dumps(value)

    wanted = [{name: text(row.get(name)) for name in table.names} for row in rows]
    assert rows_of(table).to_dicts() == wanted
    assert table.count() == len(rows)


def test_several_files_have_the_columns_of_all() -> None:
    files = {"a.jsonl": b'{"a": 1, "b": 2}\n\n', "b.jsonl": b'{"b": 3, "c": 4}'}

    assert columns(files) == {"a": ["1", None], "b": ["2", "3"], "c": [None, "4"]}


def test_a_text_in_utf_16_is_recoded() -> None:
    assert columns({"rows.jsonl": '{"a": "ż"}\n'.encode("utf-16")}) == {"a": ["ż"]}


def test_wide_rows_make_short_blocks() -> None:
    wide = json.dumps({str(n): 1 for n in range(2_000)}).encode()
    table = opened({"rows.jsonl": wide + b'\n{"0": 1}' * 1_500})

    heights = [block.frame.height for block in table.blocks()]

    assert max(heights) == 1_048
    assert sum(heights) == 1_501


def test_a_key_of_its_own_in_every_row_is_refused() -> None:
    lines = "".join(f'{{"{n}": 1}}\n' for n in range(2_001))

    with pytest.raises(TooLarge, match="at most 2000 columns"):
        opened({"rows.jsonl": lines.encode()})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a": 1\n', "line 2 is not JSON"),
        (b'{"a": 1} {"a": 2}\n', "line 1 is not JSON"),
        (b'{"a": 1},{"a": 2}\n', "line 1 is not JSON"),
        (b"[1, 2]\n", "line 1: want an object"),
        (b'{"a": [1]}\n', "line 1: 'a' is not a number"),
        (b'{"b": {"a": 1}}\n', "line 1: 'b' is not a number"),
        (b'{"a": 1, "a": 2}\n', "a key is there twice"),
        (b'{"a": 01}\n', "line 1 is not JSON"),
        (b'{"a": NaN}\n', "NaN is not JSON"),
        (b'{"a": "\\ud800"}\n', "line 1: 'a' is not a number, text"),
        (b'{"\\uD800": null}\n', "is not a number, text"),
        (b'{"a": 1}\n\n{"a": 2}\n', "line 2 is blank"),
        (b'{"a": 1}\n' + b"\n" * 90 + b'{"a": 2}\n', "line 2 is blank"),
        (b'{"": 1}\n', "column 1 has no name"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"{}\n", "no columns"),
        (b"\n", "no columns"),
        (b'{"a": "\xe9"}\n', "line 1 is not UTF-8 at byte 7"),
        (b'{"a": "\0"}\n', "line 1 has a NUL at byte 7"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 2**24])
def test_bad_json_lines_are_refused_with_the_line(
    content: bytes, said: str, block_bytes: int
) -> None:
    with pytest.raises(InvalidInput, match=said):
        opened({"rows.jsonl": content}, block_bytes)


def test_a_pair_of_halves_is_a_letter() -> None:
    assert columns({"rows.jsonl": b'{"a": "\\ud83d\\ude00"}\n'}) == {"a": ["\N{GRINNING FACE}"]}
