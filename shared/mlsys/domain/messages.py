"""What travels between the parts: what is asked of a study, and an upload."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from mlsys.domain.choices import ModelType, Pruner, Sampler, Stage, TaskType
from mlsys.domain.ids import Id
from mlsys.domain.postprocess_wish import PostprocessWish
from mlsys.domain.records import Input

MAX_TRIALS = 2_000
MAX_PARALLELISM = 50
MAX_TRIALS_AT_ONCE = 64
MAX_FOLDS = 20
MAX_SLICES = 10
MAX_COLUMNS = 2_000


def _one_of_all(value: object) -> object:
    """Say what is wrong with it once; a union would for each of its members."""
    if not isinstance(value, str) or value not in {*ModelType, "auto"}:
        raise PydanticCustomError("literal_error", "Input should be {wanted}", {"wanted": CHOICES})
    return value


CHOICES = "'catboost', 'xgboost', 'lightgbm' or 'auto'"
ModelChoice = Annotated[
    Annotated[ModelType, Field(strict=False)] | Literal["auto"], BeforeValidator(_one_of_all)
]
ModelName = Annotated[Id, Field(max_length=54)]
"""Short enough for `{name}-v{version}` to be an id."""


Objective = Literal["metric", "latency", "size"]


class PrunerOptions(Input):
    """How a pruner judges; what is not said is as docs/search.md says.

    A step is a boosting round, or with folds a fold; they are numbered from 0 there.

    Attributes:
        n_startup_trials: how many trials must have ended before one is pruned.
        n_warmup_steps: up to which step no trial is pruned.
        percentile: keep trials that are among the best so many percent.
        min_resource: the step at which trials are compared first.
        reduction_factor: of so many trials one goes on.
        lower: prune what reports less.
        upper: prune what reports more.
        patience: prune nothing that did not get worse within so many reports.
        min_delta: by how much it must have got worse.
        p_threshold: prune what is worse than the best trial with less than this chance of error.
        n_startup_steps: after how many folds a trial may be pruned.
    """

    n_startup_trials: Annotated[int, Field(ge=0, le=MAX_TRIALS)] | None = None
    n_warmup_steps: Annotated[int, Field(ge=0)] | None = None
    percentile: Annotated[float, Field(gt=0, lt=100)] | None = None
    min_resource: Annotated[int, Field(ge=1)] | None = None
    reduction_factor: Annotated[int, Field(ge=2)] | None = None
    lower: float | None = None
    upper: float | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    min_delta: Annotated[float, Field(ge=0)] | None = None
    p_threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    n_startup_steps: Annotated[int, Field(ge=2, le=MAX_FOLDS)] | None = None


class OptunaConfig(Input):
    """How the study searches; the names are Optuna's.

    Attributes:
        n_trials: how many trials are made.
        timeout_seconds: after how many seconds none is begun, and those that run are stopped.
        sampler: what suggests the parameters of a trial.
        pruner: what ends a trial that promises little.
        pruner_options: how it judges.
        seed: of all that is drawn.
        parallelism: how many tasks make trials at once.
        trials_at_once: how many trials one task runs at once, each with its share of the cores;
            found by a short calibration, if not said. 1 of 1 task is reproducible to the bit.
        plateau_trials: end the study once so many trials in a row brought nothing better.
        max_cost_usd: begin no trial once the job has cost about so much.
    """

    n_trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 30
    timeout_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600)] | None = None
    sampler: Sampler = "TPE"
    pruner: Pruner = "MedianPruner"
    pruner_options: PrunerOptions = PrunerOptions()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    parallelism: Annotated[int, Field(ge=1, le=MAX_PARALLELISM)] = 1
    trials_at_once: Annotated[int, Field(ge=1, le=MAX_TRIALS_AT_ONCE)] | None = None
    plateau_trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] | None = None
    max_cost_usd: Annotated[float, Field(gt=0)] | None = None


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
        model_type: the library that learns; `auto` tunes all three in one study.
        metric_name: what trials are compared by; `auc` or `rmse`, if not said.
        objectives: what trials are compared by where that is not the metric alone.
        optuna_config: how the study searches.
        search_space: what is searched otherwise than by default, by parameter; for `auto` by
            library and parameter. See domain/spaces/overrides.py.
        cv_folds: judge each trial by so many folds of train, not by val.
        weight_column: how much each row counts, in fits, early stopping and metrics.
        monotone_constraints: columns along which a prediction may only rise (1) or fall (-1).
        class_weight: `balanced` lets all classes count the same in fits; it distorts probabilities.
        threshold_metric: what the threshold of a binary model is chosen for; 0.5, if not said.
        calibration: how probabilities are mended on rows that were not learnt from.
        postprocess: bands of the probability of two classes, bounds of a regression's value.
        slices: columns by whose values the metrics are told apart, too.
        warm_start_from: an earlier experiment whose best trials are tried first.
        auto_promote: whether the winner is promoted by itself, and on which terms.
    """

    name: ModelName
    target_column: Annotated[str, Field(min_length=1, max_length=300)]
    feature_columns: Annotated[list[str], Field(min_length=1, max_length=MAX_COLUMNS)] | None = None
    task_type: Annotated[TaskType, Field(strict=False)]
    model_type: ModelChoice
    metric_name: str | None = None
    objectives: Annotated[list[Objective], Field(min_length=1, max_length=2)] | None = None
    optuna_config: OptunaConfig = OptunaConfig()
    search_space: dict[str, Any] | None = None
    cv_folds: Annotated[int, Field(ge=2, le=MAX_FOLDS)] | None = None
    weight_column: str | None = None
    monotone_constraints: dict[str, Literal[-1, 0, 1]] | None = None
    class_weight: Literal["balanced"] | None = None
    threshold_metric: str | None = None
    calibration: Literal["sigmoid", "isotonic"] | None = None
    postprocess: PostprocessWish | None = None
    slices: Annotated[list[str], Field(max_length=MAX_SLICES)] | None = None
    warm_start_from: Id | None = None
    auto_promote: AutoPromote | None = None

    @property
    def model_types(self) -> tuple[ModelType, ...]:
        """The libraries that are tuned."""
        return tuple(ModelType) if self.model_type == "auto" else (self.model_type,)


class ExperimentRequest(ExperimentWish):
    """The body of `POST /v1/experiments`, and of a message on the experiments topic."""

    split_id: Id
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class UploadFinished(BaseModel):
    """An object was finalized in a bucket; Cloud Storage sends more fields, which we ignore."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str
    name: str
    generation: str
