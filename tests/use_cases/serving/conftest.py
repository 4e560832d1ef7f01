"""The ports of a home with models, watched."""

import pytest

from mlsys.runtime import Runtime
from tests.use_cases.serving.watched import Watched


@pytest.fixture
def records(trained: Runtime) -> Watched:
    return Watched(trained.records)


@pytest.fixture
def objects(trained: Runtime) -> Watched:
    return Watched(trained.objects)
