"""A study whose leases run out when the test says so."""

from pathlib import Path

import pytest

from mlsys.use_cases.trials.storage import TrialStorage
from tests.use_cases.trials.broken_records import ClockedRecords
from tests.use_cases.trials.short_trials import MINIMIZE


@pytest.fixture
def records(tmp_path: Path) -> ClockedRecords:
    """Records on which a lease runs out when the test says so."""
    return ClockedRecords(tmp_path / "records.db")


@pytest.fixture
def study_id(records: ClockedRecords) -> int:
    """A study without trials."""
    return TrialStorage(records).create_new_study(MINIMIZE, "churn")
