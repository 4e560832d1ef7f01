"""Which library scores a model. It is opened when its first model is met."""

from typing import Protocol

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Booster, Task

FILE_NAMES = {
    ModelType.CATBOOST: "model.cbm",
    ModelType.LIGHTGBM: "model.txt",
    ModelType.XGBOOST: "model.ubj",
}


class Scorer(Protocol):
    """What scores the models of a library."""

    def load(self, content: bytes, /, *, task: Task, threads: int) -> Booster:
        """See load_booster."""
        ...


def load_booster(model_type: ModelType, content: bytes, *, task: Task, threads: int = 1) -> Booster:
    """Read what `Booster.to_bytes` wrote. Verify its sha256 first: damaged files kill the process.

    What is loaded may be used by many threads at once, and gives its memory back with its last
    reference.

    Raises:
        Corrupt: the library cannot read it.
        ImportError: the library is not installed, or is no version that we know.

    """
    return scorer(model_type).load(content, task=task, threads=threads)


def scorer(model_type: ModelType) -> Scorer:
    """Open what scores such models, if nobody has: most of what it takes to load the first.

    Raises:
        ImportError: the library is not installed, or is no version that we know.

    """
    if model_type is ModelType.LIGHTGBM:
        from mlsys.domain.scoring import lightgbm

        return lightgbm
    if model_type is ModelType.XGBOOST:
        from mlsys.domain.scoring import xgboost

        return xgboost
    from mlsys.domain.scoring import catboost

    return catboost
