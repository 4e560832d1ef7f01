"""A release says what the changelog says of it, or does not happen."""

import pytest

from release_notes import notes

PROJECT = '[project]\nname = "mlsys"\nversion = "1.2.0"\n'
CHANGELOG = """# Changelog

## Unreleased

## 1.2.0 - 2026-12-01

### Added

- One thing.

## 1.1.0

- Another.
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes("v1.2.0", PROJECT, CHANGELOG) == "### Added\n\n- One thing.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "says"),
    [
        ("v1.2.1", CHANGELOG, "they must agree"),
        ("1.2.0", CHANGELOG, "they must agree"),
        ("v1.2.0", "# Changelog\n\n## Unreleased\n\n- One thing.\n", "has no section '1.2.0'"),
        ("v1.2.0", "## 1.2.0\n\n## 1.1.0\n\n- Another.\n", "has no section '1.2.0'"),
        ("v1.2.0", "## 1.2.0.1\n\n- Another.\n", "has no section '1.2.0'"),
    ],
)
def test_a_release_that_nobody_wrote_about_is_refused(tag: str, changelog: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        notes(tag, PROJECT, changelog)
