"""How studies end: when a cancel meets the end, and when all trials fail."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event, get_ident
from typing import Any

import optuna
import polars as pl
import pytest

from mlsys.domain.errors import Conflict
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.model_records import VersionStatus
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.ports import Write
from mlsys.repositories.experiments import trials_of
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.leading.lead import House, Lead, Worker
from mlsys.use_cases.searching import search
from mlsys.use_cases.study import run_study
from mlsys.use_cases.training.objective import objective
from tests.use_cases.conftest import asked_for
from tests.use_cases.test_cancel import cancel, states
from tests.use_cases.test_study import run
from tests.use_cases.training.crownings import rewrite_part


def test_five_failures_in_a_row_end_a_study_with_their_reason(
    ready_split: Split, runtime: Runtime
) -> None:
    rewrite_part(ready_split, "val", {"kind": pl.lit("big")}, runtime)

    ended = run(asked_for(ready_split, runtime, optuna_config={"n_trials": 9}).id, runtime)

    assert (ended.status, ended.ended_by) == (ExperimentStatus.FAILED, "failures")
    assert ended.trials == {"FAIL": 5}
    assert ended.failure is not None
    assert "one after the other: InvalidInput: roc_auc is undefined" in ended.failure.message
    assert run(ended.id, runtime) == ended
    assert states(ended.id, runtime) == ended.trials


def test_a_trial_that_raises_fails_with_its_reason_and_the_study_goes_on(
    ready_split: Split, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*told: Any, **more: Any) -> Callable[[optuna.Trial], Any]:
        fit = objective(*told, **more)

        def fit_unless_second(trial: optuna.Trial) -> Any:
            if trial.number == 1:
                raise RuntimeError("out of bins")
            return fit(trial)

        return fit_unless_second

    monkeypatch.setattr(search, "objective", failing)
    config = {"n_trials": 4, "pruner": "NopPruner"}

    ended = run(asked_for(ready_split, runtime, optuna_config=config).id, runtime)

    assert (ended.status, ended.ended_by) == (ExperimentStatus.SUCCEEDED, "n_trials")
    assert ended.trials == {"COMPLETE": 3, "FAIL": 1}
    failed = trials_of(ended.id).get("0000001", records=runtime.records).value
    assert failed.user_attrs["failure"] == "RuntimeError: out of bins"


def test_a_promotion_that_loses_every_race_is_recorded_and_the_study_ends(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = asked_for(ready_split, runtime, auto_promote={"stage": "production"})

    class Racing:
        """Records in which somebody else is always quicker to promote."""

        def __getattr__(self, called: str) -> Any:
            return getattr(runtime.records, called)

        def commit(self, writes: Sequence[Write]) -> Any:
            if any("promote" in getattr(one, "body", {}).values() for one in writes):
                raise Conflict("the head has changed")
            return runtime.records.commit(writes)

    house = House(Racing(), runtime.objects, "artifacts", runtime.now)
    worker = Worker("study-1", task=0, tasks=1, threads=1, lease_seconds=60)
    ended = run_study(asked.id, worker=worker, house=house, stop=Event())

    assert ended.status is ExperimentStatus.SUCCEEDED
    assert ended.promotion is not None
    assert not ended.promotion.promoted
    assert "changes too often" in ended.promotion.reasons[0]
    version = MODEL_VERSIONS.get(str(ended.model_id), records=runtime.records).value
    assert (version.status, version.promotion) == (VersionStatus.READY, ended.promotion)


@pytest.mark.parametrize(
    ("wanted", "register_best"),
    [(True, False), (False, False), (True, True)],
    ids=["checked", "not checked", "with register_best"],
)
def test_of_a_cancel_and_the_end_exactly_one_wins_wherever_they_meet(
    ready_split: Split,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    wanted: bool,
    register_best: bool,
) -> None:
    if not wanted:
        monkeypatch.setattr(Lead, "wanted", Lead._open)  # noqa: SLF001
    found = [
        met(place, ready_split, runtime, after=after, register_best=register_best)
        for place in range(1, 13)
        for after in (True, False)
    ]

    violations = [one for _, ones in found for one in ones]
    ends = Counter(status for status, _ in found)
    with capsys.disabled():
        print(f"\n{len(found)} meetings, {dict(ends)}, {len(violations)} violations")  # noqa: T201
    assert len(ends) == 2
    assert (violations == []) is wanted


def met(
    place: int, split: Split, runtime: Runtime, *, after: bool, register_best: bool
) -> tuple[ExperimentStatus, list[str]]:
    """Cancel a study before or after one of its leader's writes; say how it ended."""
    name = f"toys{place}{int(after)}"
    fields = {"optuna_config": {"n_trials": 1}, "auto_promote": {"stage": "production"}}
    asked = asked_for(split, runtime, name=name, request_id=name, **fields)
    answers: list[Experiment] = []
    left, here = place, get_ident()

    class Meeting:
        """Records beside which somebody cancels, heartbeats aside."""

        def __getattr__(self, called: str) -> Any:
            nonlocal left
            method = getattr(runtime.records, called)
            if called not in {"commit", "create", "replace"} or get_ident() != here:
                return method
            left -= 1
            if left:
                return method
            if not after:
                answers.append(cancel(asked.id, runtime, register_best=register_best))
                return method

            def write_first(*arguments: Any) -> Any:
                written = method(*arguments)
                answers.append(cancel(asked.id, runtime, register_best=register_best))
                return written

            return write_first

    house = House(Meeting(), runtime.objects, "artifacts", runtime.now)
    worker = Worker("study-1", task=0, tasks=1, threads=1, lease_seconds=60)
    ended = run_study(asked.id, worker=worker, house=house, stop=Event())

    versions = MODEL_VERSIONS.list(records=runtime.records, where={"name": name}).values
    standing = [one.id for one in versions if one.status is not VersionStatus.ABANDONED]
    accepted = any(one.cancellation for one in answers)
    status = ExperimentStatus.CANCELLED if accepted else ExperimentStatus.SUCCEEDED
    kept = register_best and "COMPLETE" in ended.trials
    model = f"{name}-v1" if kept or not accepted else None
    wants = {
        "the status": (ended.status, status),
        "the model": (ended.model_id, model),
        "the versions": (standing, [] if model is None else [model]),
        "the promotion": (ended.promotion is None, accepted),
        "the trials": (ended.trials, states(asked.id, runtime)),
        "a second run": (handle(asked.id, runtime, environment={}, stop=Event()), ended),
        "a second cancel": (cancel(asked.id, runtime), ended),
    }
    where = f"{'after' if after else 'before'} write {place}"
    wrong = [f"{where}: {what}: {got}" for what, (got, want) in wants.items() if got != want]
    return ended.status, wrong
