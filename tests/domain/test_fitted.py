"""What a fit returns: most of it is never asked for."""

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Booster, Examples, Monitor, Patience, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.table import load_booster

TASKS = [Task("binary", 2), Task("multiclass", 3), Task("regression")]
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}


def examples(task: Task, *, seed: int, colours: int) -> Examples:
    """Numbers with gaps, and a category of so many values."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(400, 4))
    matrix[:, 3] = rng.integers(0, colours, 400)
    truth = matrix[:, 0] + matrix[:, 3] % 3 + rng.normal(size=400)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    target = truth if task.kind == "regression" else np.digitize(truth, [0.5, 1.5])
    if task.kind == "binary":
        target = np.minimum(target, 1)
    return Examples(matrix, target.astype(np.float64), (False, False, False, True))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@pytest.mark.parametrize("model_type", ModelType)
def test_what_a_fit_told_of_val_is_what_the_stored_model_predicts(
    model_type: ModelType, task: Task
) -> None:
    train, val = examples(task, seed=1, colours=9), examples(task, seed=2, colours=12)
    library = learner(model_type)

    fit = library.fit(
        library.bin(train, val, task=task, threads=1),
        task=task,
        params={},
        rounds=60,
        threads=1,
        seed=3,
        monitor=Monitor(METRICS[task.kind], task.kind == "binary", patience=Patience(5)),
    )

    stored = load_booster(model_type, fit.to_bytes(), task=task)
    predicted = stored.predict(val.matrix)
    told = fit.predict(val.matrix) if model_type is ModelType.CATBOOST else fit.val_prediction
    assert 0 < fit.rounds < 60
    assert fit.rounds == stored.rounds
    assert told is not None
    assert np.array_equal(told, predicted)


def test_a_model_that_nobody_asks_for_is_not_written() -> None:
    task = Task("binary", 2)
    train = examples(task, seed=1, colours=3)
    library = learner(ModelType.LIGHTGBM)
    booster = library.fit(
        library.bin(train, None, task=task, threads=1),
        task=task,
        params={},
        rounds=3,
        threads=1,
        seed=3,
    )
    written = []

    def keep() -> Booster:
        written.append(1)
        return booster

    fit = Fitted(3, keep)

    assert fit.rounds == 3
    assert written == []
    assert fit.to_bytes() == booster.to_bytes()
    assert len(fit.importance()) == 4
    assert written == [1]
