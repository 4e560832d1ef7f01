"""What travels between the parts: what is asked of a study and a prediction, and an upload."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlsys.domain.ids import Id
from mlsys.domain.records import Input

MAX_TRIALS = 2_000
MAX_PARALLELISM = 50
MAX_COLUMNS = 2_000
MAX_INSTANCES = 10_000


class TaskType(StrEnum):
    """What is learnt; whether a classification is binary is told by the data."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class ModelType(StrEnum):
    """The library that learns."""

    CATBOOST = "catboost"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"


ModelName = Annotated[Id, Field(max_length=54)]
"""Short enough for `{name}-v{version}` to be an id."""
Sampler = Literal["TPE", "Random"]
Pruner = Literal["MedianPruner", "HyperbandPruner", "SuccessiveHalvingPruner", "NopPruner"]
Stage = Literal["staging", "production"]


class OptunaConfig(Input):
    """How the study searches; the names are Optuna's.

    Attributes:
        n_trials: how many trials are made.
        timeout_seconds: after how many seconds none is begun any more.
        sampler: what suggests the parameters of a trial.
        pruner: what ends a trial that promises little.
        seed: of all that is drawn.
        parallelism: how many tasks make trials at once.
    """

    n_trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 30
    timeout_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600)] | None = None
    sampler: Sampler = "TPE"
    pruner: Pruner = "MedianPruner"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    parallelism: Annotated[int, Field(ge=1, le=MAX_PARALLELISM)] = 1


class Gates(Input):
    """What a version must show before it is promoted.

    Attributes:
        must_improve: to be better on test than what it takes the place of.
        min_value: the least that its metric on test may be.
        max_value: the most that its metric on test may be.
    """

    must_improve: bool = True
    min_value: float | None = None
    max_value: float | None = None


class AutoPromote(Input):
    """Promote the winner at the end of the study, if the gates let it pass.

    Attributes:
        stage: what it is promoted to.
        gates: what it must show.
    """

    stage: Stage = "production"
    gates: Gates = Gates()


class ExperimentWish(Input):
    """What is asked of any split: the `experiment` section of a `dataset.json`.

    Attributes:
        name: of the model that the winner becomes a version of.
        target_column: what is to be predicted.
        feature_columns: what it is predicted from; all other columns but keys, if not said.
        task_type: what is learnt.
        model_type: the library that learns.
        metric_name: what trials are compared by; `auc` or `rmse`, if not said.
        optuna_config: how the study searches.
        auto_promote: whether the winner is promoted by itself, and on which terms.
    """

    name: ModelName
    target_column: Annotated[str, Field(min_length=1, max_length=300)]
    feature_columns: Annotated[list[str], Field(min_length=1, max_length=MAX_COLUMNS)] | None = None
    task_type: Annotated[TaskType, Field(strict=False)]
    model_type: Annotated[ModelType, Field(strict=False)]
    metric_name: str | None = None
    optuna_config: OptunaConfig = OptunaConfig()
    auto_promote: AutoPromote | None = None


class ExperimentRequest(ExperimentWish):
    """The body of `POST /v1/experiments`, and of a message on the experiments topic."""

    split_id: Id
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class PredictParameters(Input):
    """How to answer.

    Attributes:
        explain: add the contributions of the features.
        threshold: from which probability on the second of two classes is predicted.
        passthrough: columns that are handed back.
    """

    explain: bool = False
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    passthrough: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)


class UploadFinished(BaseModel):
    """An object was finalized in a bucket; Cloud Storage sends more fields, which we ignore."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str
    name: str
    generation: str
