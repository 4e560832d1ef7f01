"""What is stored about experiments: the request, the trials, and what was found."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from mlsys.domain.ids import Id
from mlsys.domain.model_records import Measure, PromotionOutcome
from mlsys.domain.records import Failure, Json, Record, Time


class ExperimentStatus(StrEnum):
    """How an experiment stands; the last three are final."""

    REQUESTED = "REQUESTED"
    LAUNCHED = "LAUNCHED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self.value in {"SUCCEEDED", "FAILED", "CANCELLED"}


class BestTrial(Record):
    """The trial that won on val, or over the folds."""

    number: int
    value: float
    model_type: str = ""
    params: Json
    rounds: int


class Cancellation(Record):
    """That somebody wants a study to end before its time; `request_id` is of the call."""

    requested_at: Time
    reason: str = ""
    register_best: bool = False
    request_id: str = ""


class TrialState(StrEnum):
    """How a trial stands, in Optuna's words; the last three are final."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"


class TrialParam(Record):
    """One parameter as it was suggested; `distribution` is Optuna's JSON of where it came from."""

    name: str
    value: Any
    distribution: str = ""


class Trial(Record):
    """One trial as `experiments/{id}/trials` keeps it; use_cases/trials/documents.py writes it.

    Of several objectives the first of `values` is the metric. What is not finite is a string.
    """

    number: int
    state: str
    values: list[float | str] | None
    params: list[TrialParam]
    intermediate_values: dict[int, float | str] = Field(default_factory=dict)
    user_attrs: Json
    attempt: int
    started_at: Time | None
    completed_at: Time | None


class Experiment(Record):
    """A study asked for, its search, and the version it registered.

    It ran on `workers` tasks, each with `trials_at_once` of `threads` each, which were found within
    `calibration_seconds`. `deterministic` is whether the same study would find the same to the bit.
    `ended_by` says why no more trials are made: `n_trials`, `timeout`, `plateau`, `cost`,
    `failures` or `cancelled`. From `registered_at` on the study cannot be cancelled any more.
    """

    id: Id
    name: str
    status: ExperimentStatus
    created_at: Time
    updated_at: Time
    request: Json
    request_id: str
    split_id: str | None = None
    launches: int = 0
    execution_id: str | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    metric_name: str | None = None
    maximize: bool | None = None
    trials: dict[str, int] = Field(default_factory=dict)
    workers: int | None = None
    threads: int | None = None
    trials_at_once: int | None = None
    calibration_seconds: float | None = None
    deterministic: bool | None = None
    ended_by: str | None = None
    cancellation: Cancellation | None = None
    best_trial: BestTrial | None = None
    baselines: dict[str, float] = Field(default_factory=dict)
    test: Measure | None = None
    model_id: str | None = None
    registered_at: Time | None = None
    promotion: PromotionOutcome | None = None
    warnings: list[str] = Field(default_factory=list)
    failure: Failure | None = None

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was asked for in time, and has not ended the study yet."""
        in_time = not self.status.final and self.registered_at is None
        return in_time and self.cancellation is not None

    @property
    def unwanted(self) -> bool:
        """Whether not even the best trial so far is wanted any more."""
        asked = self.cancellation
        return self.cancelling and asked is not None and not asked.register_best
