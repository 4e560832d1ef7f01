"""Which learner a model type names. A library is imported when it is first met."""

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Learner


def learner(model_type: ModelType) -> Learner:
    """Return the learner; importing its library takes up to a second.

    >>> learner(ModelType.LIGHTGBM)
    LightGBMLearner(shares_bins=True)

    """
    if model_type is ModelType.LIGHTGBM:
        from mlsys.domain.learners.lightgbm import LightGBMLearner

        return LightGBMLearner()
    if model_type is ModelType.XGBOOST:
        from mlsys.domain.learners.xgboost import XGBoostLearner

        return XGBoostLearner()
    from mlsys.domain.learners.catboost import CatBoostLearner

    return CatBoostLearner()
