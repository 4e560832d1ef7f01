"""Files dropped into the uploads folder of a running platform, whatever they are called."""

import time
from pathlib import Path

import pytest

from mlsys.dev.platform import Platform
from mlsys.repositories import SPLITS

ROWS = "age,churned\n" + "\n".join(f"{age},{age % 2}" for age in range(40)) + "\n"
SECONDS = 60


@pytest.mark.parametrize("name", ["a%20b.csv", "a[1].csv", "what?.csv", "two\nlines.csv"])
def test_a_name_that_no_address_may_have_does_not_deafen_the_platform(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "uploads" / "people"
    folder.mkdir(parents=True)
    (folder / name).write_text(ROWS)

    with Platform(tmp_path) as platform:
        (folder / "rows.csv").write_text(ROWS)
        sources = _sources(platform)

    assert sources == ["gs://uploads/people/rows.csv"]


def _sources(platform: Platform) -> list[str]:
    """Wait for a split, and return the sources of all."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = SPLITS.list(records=platform.runtime.records).values
        if found:
            return [one.source_uri for one in found]
        time.sleep(0.1)
    return []
