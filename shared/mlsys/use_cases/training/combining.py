"""Whether CatBoost combines categories, settled before a study by a few rounds each way.

Statistics of combined categories take half of a round's time, or more. On some tables they are what
makes CatBoost the best of the libraries; on others they tell nothing. Which it is, shows early.
"""

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Monitor
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.dimensions import Int, Value
from mlsys.domain.spaces.search import Spaces
from mlsys.domain.spaces.tunable import TUNABLE
from mlsys.use_cases.training.binned import Binned

CATBOOST = ModelType.CATBOOST
COMPLEXITY = "max_ctr_complexity"
ROUNDS, LEARNING_RATE = 50, 0.3
TWO_COLUMNS = 2
LEAST_ROWS = 10_000
"""On fewer rows chance decides as much, and fits are quick anyway."""
LEAST_GAIN = 0.005


def settled(spaces: Spaces, request: ExperimentRequest, *, binned: Binned, threads: int) -> Spaces:
    """Let CatBoost combine no categories where that lowers the loss on val by less than 0.5 %.

    Tables of fewer than 10,000 rows, or than two columns of categories, stay as they are; so does
    what `search_space` names, and a grid.
    """
    if CATBOOST not in spaces or COMPLEXITY in spaces[CATBOOST]:
        return spaces
    fold, is_grid = binned.folds[0], request.optuna_config.sampler == "Grid"
    if is_grid or sum(fold.train.categorical) < TWO_COLUMNS or len(fold.train.target) < LEAST_ROWS:
        return spaces
    seed = request.optuna_config.seed
    try:
        combined, alone = (
            _loss(binned, complexity, threads=threads, seed=seed)
            for complexity in (TUNABLE[CATBOOST][COMPLEXITY].default, 1)
        )
    except InvalidInput:
        # Trial 0 is going to fail of it, and to say why.
        return spaces
    if combined < alone * (1 - LEAST_GAIN):
        return spaces
    return {**spaces, CATBOOST: {**spaces[CATBOOST], COMPLEXITY: Int(1, 1)}}


def _loss(binned: Binned, complexity: Value, *, threads: int, seed: int) -> float:
    """Return the lowest loss on val of so many rounds, combining up to so many categories."""
    task, losses = binned.task, []

    def on_round(_: int, loss: float) -> bool:
        losses.append(loss)
        return False

    metric = "root_mean_squared_error" if task.kind == "regression" else "log_loss"
    with binned.lent(CATBOOST, 0) as data:
        learner(CATBOOST).fit(
            data,
            task=task,
            params={"learning_rate": LEARNING_RATE, COMPLEXITY: complexity},
            rounds=ROUNDS,
            threads=threads,
            seed=seed,
            monitor=Monitor(metric=metric, maximize=False, on_round=on_round),
        )
    return min(losses)
