"""Each library, and each kind of task."""

import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Learner, Task
from mlsys.domain.learners.table import learner
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION


@pytest.fixture(params=list(ModelType), ids=str)
def model_type(request: pytest.FixtureRequest) -> ModelType:
    return ModelType(request.param)


@pytest.fixture
def library(model_type: ModelType) -> Learner:
    return learner(model_type)


@pytest.fixture(params=[BINARY, MULTICLASS, REGRESSION], ids=lambda task: task.kind)
def task(request: pytest.FixtureRequest) -> Task:
    kind: Task = request.param
    return kind
