"""Models of every kind of target, behind the routes of the predict function."""

from pathlib import Path

import pytest

from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.formats.asking import Predictor
from tests.use_cases.conftest import held_out, home_with_a_split, trained_home

__all__ = ["held_out", "home_with_a_split", "trained_home"]


@pytest.fixture(scope="session")
def predictor(trained_home: Path) -> Predictor:
    """What is deployed as `predict`; `lightgbm` is the default model."""
    return Predictor(Runtime(Settings(home=trained_home, default_model="lightgbm")))


@pytest.fixture(scope="session")
def without_default(trained_home: Path) -> Predictor:
    """The same, where no model is the default one."""
    return Predictor(Runtime(Settings(home=trained_home)))
