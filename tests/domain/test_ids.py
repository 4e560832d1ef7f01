"""Addresses of objects: what could point elsewhere, or nowhere, is refused."""

import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.ids import parse_uri


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a//b",
        "../b",
        "a/./b",
        "a*",
        "a?",
        "[a]",
        "{a}",
        "a%20b",
        "a\\b",
        "a\nb",
        "a\x7f",
        "\ud800",
    ],
)
def test_a_name_that_a_library_could_read_otherwise_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match="object name"):
        parse_uri(f"gs://uploads/{key}")


def test_a_name_has_at_most_1024_bytes() -> None:
    assert parse_uri(f"gs://uploads/{'ü' * 512}").key == "ü" * 512
    with pytest.raises(InvalidInput, match="1 to 1024 bytes"):
        parse_uri(f"gs://uploads/{'ü' * 512}a")
