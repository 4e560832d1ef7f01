"""How a CSV is written is told where it can be, said where it is doubtful, and never guessed."""

from typing import Any

import pytest

from mlsys.domain.errors import InvalidInput
from tests.use_cases.reading.tables import columns, opened, rows_of


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("rows.csv", "a,b\n1,2\n", {"delimiter": ",", "quote": '"', "decimal": "."}),
        ("rows.csv", "a;b\n1;2\n", {"delimiter": ";"}),
        ("rows.csv", "a\tb\n1\t2\n", {"delimiter": "\t"}),
        ("rows.csv", "a|b\n1|2\n", {"delimiter": "|"}),
        ("rows.csv", "a;b\n1,5;x,y\n2,5;z\n", {"delimiter": ";", "decimal": ","}),
        ("rows.csv", 'a,b\n"1,5",2\n', {"delimiter": ",", "decimal": "."}),
        ("rows.csv", "a;b\n1,5;2.5\n", {"delimiter": ";", "decimal": "."}),
        ("rows.csv", "a;b\n1,500;2\n", {"delimiter": ";", "decimal": "."}),
        ("rows.csv", "a;b\n0,500;2\n", {"delimiter": ";", "decimal": ","}),
        ("rows.csv", "text\nhello\n", {"delimiter": ","}),
        ("rows.csv", "text\n'tis\n", {"delimiter": ",", "quote": '"'}),
        ("rows.csv", "a,b\n'1,2',3\n", {"delimiter": ",", "quote": "'"}),
        ("rows.csv", "a,b\n1,it's\n", {"delimiter": ",", "quote": '"'}),
        ("rows.tsv", "a,b\n1,2\n", {"delimiter": "\t"}),
    ],
)
def test_a_dialect_is_told_and_recorded(file: str, text: str, told: dict[str, str]) -> None:
    read_as = opened({file: text.encode()}).read_as

    assert told.items() <= read_as.items()
    assert read_as["format"] == "csv"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("a,b;c\n1,2;3\n", "read as separated by ',', could be by ';' as well; read.delimiter"),
        ("a,b\n'1,2',3\n", "in single quotes are read without them; see read.quote"),
        ("a,b\n'1',3\n", "in single quotes are read with them; see read.quote"),
        ("a;b\n1,5;2.5\n", "numbers with a comma and numbers with a point; read.decimal"),
        ("a;b\n1,500;2\n", "numbers like 1,500 could be thousands; read.decimal"),
        (
            "a,b\n1,Zoë\n",
            "not UTF-8 and was read as cp1252, as written in Western Europe; read.enc",
        ),
    ],
)
def test_what_is_doubtful_is_said(text: str, warning: str) -> None:
    (said,) = opened({"rows.csv": text.encode("cp1252")}).warnings

    assert said.startswith("rows.csv: ")
    assert warning in said


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b;c\n1,2;3\n", {"delimiter": ";"}),
        ("a,b\n'1,2',3\n", {"delimiter": ",", "quote": "'"}),
        ("a;b\n1,5;2.5\n", {"delimiter": ";", "decimal": ","}),
        ("a,b\n1,Zoë\n", {"encoding": "iso-8859-15"}),
    ],
)
def test_what_the_user_says_is_believed_without_a_warning(
    text: str, options: dict[str, Any]
) -> None:
    table = opened({"rows.csv": text.encode("cp1252")}, **options)

    assert rows_of(table).height == 1
    assert options.items() <= table.read_as.items()
    assert table.warnings == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimiter": "é"}, "read.delimiter: want one ASCII character, got 'é'"),
        ({"delimiter": "\n"}, "read.delimiter: want one ASCII"),
        ({"quote": "\0"}, "read.quote: want one ASCII"),
        ({"delimiter": '"'}, "read.delimiter and read.quote are both '\"'"),
    ],
)
def test_marks_that_cannot_be_used_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        opened({"rows.csv": b"a,b\n1,2\n"}, **options)


@pytest.mark.parametrize(
    ("encoding", "options", "recorded"),
    [
        ("utf-8", {}, "utf-8"),
        ("utf-8-sig", {}, "utf-8"),
        ("utf-16", {}, "utf-16"),
        ("cp1252", {}, "cp1252"),
        ("cp1250", {"encoding": "cp1250"}, "cp1250"),
        ("iso-8859-1", {"encoding": "iso-8859-1"}, "iso-8859-1"),
    ],
)
@pytest.mark.parametrize("most", [1, 2**16])
def test_a_text_is_recoded(
    encoding: str, options: dict[str, Any], recorded: str, most: int
) -> None:
    content = "a,b\nZoë,ü\n".encode(encoding)
    table = opened({"rows.csv": content}, most=most, **options)

    assert rows_of(table).rows() == [("Zoë", "ü")]
    assert table.read_as["encoding"] == recorded
    assert opened({"rows.csv": content}, most=most, **options).count() == 1


def test_a_text_in_utf_16_from_the_other_end_is_recoded_too() -> None:
    content = b"\xfe\xff" + "a,b\n1,ż\n".encode("utf-16-be")

    assert columns({"rows.csv": content}) == {"a": ["1"], "b": ["ż"]}


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("a,b\n1,Ζωή\n".encode("cp1253"), {}, "line 2 is not UTF-8 at byte 6 .0xc6.: save it as"),
        (b"a,b\n1,\x81\n", {}, "line 2 is not UTF-8 at byte 6"),
        ("a,b\nü,1\n".encode() + b"2,\xfc\n", {}, "line 3 is not UTF-8 at byte 11 .0xfc."),
        (b"a,b\n1,\x81\n", {"encoding": "cp1252"}, "line 2 is not cp1252 at byte 6: save it"),
        ("a\nb\n".encode("utf-16") + b"\x00", {}, "line 3 is not utf-16 at byte 10"),
        ("a\nb\nc".encode("utf-16") + b"\x00\xd8\x0a\x00", {}, "line 3 is not utf-16 at byte 12"),
        ("a\n\0\n".encode("utf-16"), {}, "line 2 has a NUL: not a text"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(
    content: bytes, options: dict[str, Any], said: str
) -> None:
    for most in (1, 2**16):
        with pytest.raises(InvalidInput, match=said):
            rows_of(opened({"rows.csv": content}, most=most, **options))


def test_what_comes_in_another_encoding_after_the_sample_is_refused() -> None:
    content = b"a,b\n" + b"1,2\n" * 100 + b"3,caf\xe9\n"

    table = opened({"rows.csv": content}, line_bytes=200)

    with pytest.raises(InvalidInput, match=r"line 102 is not UTF-8 at byte 409 \(0xe9\)"):
        rows_of(table)


def test_a_sample_may_end_anywhere() -> None:
    content = 'a,b\n"x\ny",é\n'.encode()

    for line_bytes in range(10, len(content) + 2):
        assert columns({"rows.csv": content}, line_bytes=line_bytes) == {"a": ["x\ny"], "b": ["é"]}
