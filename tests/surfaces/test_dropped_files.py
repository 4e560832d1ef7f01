"""Files dropped into the uploads folder of a running platform, whatever they are called."""

import json
import time
from pathlib import Path

import pytest

from mlsys.dev.platform import Platform
from mlsys.domain.split_records import SplitStatus
from mlsys.repositories.splits import SPLITS
from tests.surfaces.platforms import splits
from tests.waiting import wait_for

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


def test_a_large_file_is_split_by_the_job_which_then_asks_for_its_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSYS_SPLIT_BUDGET_MIB", "1")
    wish = {"name": "churn", "target_column": "none", "task_type": "regression"}
    settings = {"experiment": {**wish, "model_type": "lightgbm"}}

    with Platform(tmp_path) as platform:
        folder = platform.uploads / "people"
        folder.mkdir()
        (folder / "dataset.json").write_text(json.dumps(settings))
        (folder / "rows.csv").write_text("age,churned\n" + "40,1\n41,0\n" * 150_000)
        wait_for(lambda: [one for one in splits(platform) if one.experiment_id is not None])
        [split] = splits(platform)

    assert (split.status, split.launches) == (SplitStatus.READY, 1)
    assert str(split.execution_id).startswith("ingest-")
    assert sum(split.rows.values()) == 300_000


def _sources(platform: Platform) -> list[str]:
    """Wait for a split, and return the sources of all."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = SPLITS.list(records=platform.runtime.records).values
        if found:
            return [one.source_uri for one in found]
        time.sleep(0.1)
    return []
