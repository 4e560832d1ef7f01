"""Which library scores a model. It is opened when its first model is met."""

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Booster, Task

FILE_NAMES = {
    ModelType.CATBOOST: "model.cbm",
    ModelType.LIGHTGBM: "model.txt",
    ModelType.XGBOOST: "model.ubj",
}


def load_booster(model_type: ModelType, content: bytes, *, task: Task, threads: int = 1) -> Booster:
    """Read what `Booster.to_bytes` wrote. Verify its sha256 first: damaged files kill the process.

    What is loaded may be used by many threads at once, and gives its memory back with its last
    reference.

    Raises:
        Corrupt: the library cannot read it.
        ImportError: the library is not installed, or is no version that we know.

    """
    if model_type is ModelType.LIGHTGBM:
        from mlsys.domain.scoring import lightgbm

        return lightgbm.load(content, task=task, threads=threads)
    if model_type is ModelType.XGBOOST:
        from mlsys.domain.scoring import xgboost

        return xgboost.load(content, task=task, threads=threads)
    from mlsys.domain.scoring import catboost

    return catboost.load(content, task=task, threads=threads)
