"""The study: exactly as many trials as asked for, one version, and what becomes of it."""

import json
from threading import Event, get_ident
from typing import Any

import polars as pl
import pytest

from mlsys.domain.errors import Conflict
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.model_records import VersionStatus
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.registry import get_head
from mlsys.use_cases.shown_trials import list_trials
from mlsys.use_cases.study import run_study
from tests.use_cases.conftest import asked_for
from tests.use_cases.training.crownings import rewrite_part


def run(id: str, runtime: Runtime, **environment: str) -> Any:
    return handle(id, runtime, environment=environment, stop=Event())


def house_of(runtime: Runtime, records: Any = None) -> House:
    return House(records or runtime.records, runtime.objects, "artifacts", runtime.now)


def trial_states(id: str, runtime: Runtime) -> list[str]:
    rows, _ = list_trials(id, page_size=100, page_token=None, records=runtime.records)
    assert [row.number for row in reversed(rows)] == list(range(len(rows)))
    return [row.state for row in reversed(rows)]


@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost", "catboost"])
def test_a_study_ends_with_a_version_that_is_ready(
    ready_split: Split, runtime: Runtime, model_type: str
) -> None:
    experiment = asked_for(ready_split, runtime, model_type=model_type)

    ended = run(experiment.id, runtime)

    assert ended.failure is None
    assert ended.status is ExperimentStatus.SUCCEEDED
    assert sum(ended.trials.values()) == 3
    version = MODEL_VERSIONS.get(ended.model_id, records=runtime.records).value
    assert version.status is VersionStatus.READY
    for file in version.files.values():
        assert runtime.objects.read(file.uri, sha256=file.sha256)


def test_the_files_say_what_a_version_is(ready_split: Split, runtime: Runtime) -> None:
    ended = run(asked_for(ready_split, runtime).id, runtime)

    version = MODEL_VERSIONS.get(ended.model_id, records=runtime.records).value
    said = {
        name: json.loads(runtime.objects.read(file.uri))
        for name, file in version.files.items()
        if name.endswith(".json")
    }
    metadata = said["metadata.json"]
    assert metadata["model_version_id"] == "toys-v1"
    assert metadata["metric"]["name"] == "roc_auc"
    assert metadata["training_data_file"] == ready_split.files["train"].uri
    assert metadata["sha256"]["model.txt"] == version.files["model.txt"].sha256
    assert said["signature.json"]["output"]["classes"] == ["big", "small"]
    assert {one["name"] for one in said["signature.json"]["inputs"]} == {"size", "colour", "noise"}


def test_trial_0_is_the_librarys_defaults_and_a_baseline(
    ready_split: Split, runtime: Runtime
) -> None:
    experiment = asked_for(ready_split, runtime)

    ended = run(experiment.id, runtime)

    rows, _ = list_trials(experiment.id, page_size=9, page_token=None, records=runtime.records)
    assert rows[-1].params["num_leaves"] == 31
    assert ended.baselines["val/defaults/roc_auc"] == rows[-1].value
    assert ended.baselines["test/constant/roc_auc"] == 0.5


def test_one_worker_with_one_seed_finds_the_same_again(
    ready_split: Split, runtime: Runtime
) -> None:
    first = run(asked_for(ready_split, runtime, request_id="a").id, runtime)
    second = run(asked_for(ready_split, runtime, request_id="b").id, runtime)

    assert first.best_trial == second.best_trial
    assert first.test == second.test


def test_a_finished_study_is_left_as_it_is(ready_split: Split, runtime: Runtime) -> None:
    ended = run(asked_for(ready_split, runtime).id, runtime)

    assert run(ended.id, runtime) == ended
    assert get_head("toys", records=runtime.records).latest_version == 1


def test_a_study_that_was_stopped_goes_on_where_it_was(
    ready_split: Split, runtime: Runtime
) -> None:
    experiment = asked_for(ready_split, runtime, optuna_config={"n_trials": 6})
    stop = Event()
    stop.set()
    stopped = handle(experiment.id, runtime, environment={}, stop=stop)
    assert not stopped.status.final

    ended = run(experiment.id, runtime, CLOUD_RUN_EXECUTION="study-2")

    assert ended.status is ExperimentStatus.SUCCEEDED
    assert len(trial_states(experiment.id, runtime)) == 6


def test_a_timeout_that_was_over_before_the_search_still_leaves_the_defaults(
    ready_split: Split, runtime: Runtime
) -> None:
    config = {"n_trials": 6, "timeout_seconds": 1e-6}

    ended = run(asked_for(ready_split, runtime, optuna_config=config).id, runtime)

    assert ended.status is ExperimentStatus.SUCCEEDED
    assert ended.trials["COMPLETE"] == 1
    assert ended.best_trial is not None
    assert ended.best_trial.number == 0


def test_a_study_without_a_completed_trial_says_why_and_counts_them(
    ready_split: Split, runtime: Runtime
) -> None:
    rewrite_part(ready_split, "val", {"kind": pl.lit("big")}, runtime)

    ended = run(asked_for(ready_split, runtime, optuna_config={"n_trials": 2}).id, runtime)

    assert ended.status is ExperimentStatus.FAILED
    assert ended.trials == {"FAIL": 2}
    assert ended.failure is not None
    assert "roc_auc is undefined" in ended.failure.message


class Killed(Exception):
    """What a killed process looks like from inside."""


@pytest.mark.parametrize("writes", range(1, 14))
def test_dying_before_any_write_leaves_one_ready_version_in_the_end(
    ready_split: Split, runtime: Runtime, writes: int
) -> None:
    experiment = asked_for(ready_split, runtime, auto_promote={"stage": "production"})
    worker = Worker("study-1", task=0, tasks=1, threads=1, lease_seconds=1.0)
    left, here = writes, get_ident()

    class Dying:
        """Records whose process is killed before one of its writes, heartbeats aside."""

        def __getattr__(self, name: str) -> Any:
            nonlocal left
            if name in {"commit", "create", "replace"} and get_ident() == here:
                left -= 1
                if left <= 0:
                    raise Killed
            return getattr(runtime.records, name)

    with pytest.raises(Killed):
        run_study(experiment.id, worker=worker, house=house_of(runtime, Dying()), stop=Event())
    run_study(experiment.id, worker=worker, house=house_of(runtime), stop=Event())

    ended = run(experiment.id, runtime)
    assert ended.status is ExperimentStatus.SUCCEEDED
    assert len(trial_states(experiment.id, runtime)) == 3
    versions = MODEL_VERSIONS.list(records=runtime.records).values
    assert [one.id for one in versions if one.status is VersionStatus.READY] == [ended.model_id]
    assert get_head("toys", records=runtime.records).production == int(ended.model_id[-1])


def test_a_second_execution_leaves_a_living_one_alone(
    ready_split: Split, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = Runtime(runtime.settings.model_copy(update={"lease_seconds": 6.0}))
    experiment = asked_for(ready_split, brief)
    others: list[Any] = []
    read = brief.objects.read

    def read_while_another_comes(uri: str, *, sha256: str | None = None) -> bytes:
        if not others:
            others.append(None)
            others.append(run(experiment.id, brief, CLOUD_RUN_EXECUTION="study-2"))
        return read(uri, sha256=sha256)

    monkeypatch.setattr(brief.objects, "read", read_while_another_comes)

    ended = run(experiment.id, brief, CLOUD_RUN_EXECUTION="study-1")

    assert others[1].status is ExperimentStatus.RUNNING
    assert ended.status is ExperimentStatus.SUCCEEDED
    assert len(trial_states(experiment.id, runtime)) == 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"target_column": "none"}, "no column 'none'"),
        ({"task_type": "regression"}, "kind"),
        ({"feature_columns": ["kind"]}, "cannot be a feature"),
        ({"metric_name": "rmse"}, "rmse"),
    ],
)
def test_what_cannot_be_learnt_fails_with_the_reason(
    ready_split: Split, runtime: Runtime, fields: dict[str, Any], reason: str
) -> None:
    experiment = asked_for(ready_split, runtime, **fields)

    ended = run(experiment.id, runtime)

    assert ended.status is ExperimentStatus.FAILED
    assert reason in ended.failure.message


def test_a_split_whose_file_was_damaged_fails_the_study(
    ready_split: Split, runtime: Runtime
) -> None:
    runtime.objects.put(ready_split.files["val"].uri, b"PAR1 damaged")

    ended = run(asked_for(ready_split, runtime).id, runtime)

    assert ended.failure.code == "corrupt"


def test_the_second_best_is_kept_with_the_reason_why_it_was_not_promoted(
    ready_split: Split, runtime: Runtime
) -> None:
    wish = {"auto_promote": {"stage": "production"}}
    first = run(asked_for(ready_split, runtime, request_id="a", **wish).id, runtime)
    second = run(asked_for(ready_split, runtime, request_id="b", **wish).id, runtime)

    assert first.promotion.promoted
    assert not second.promotion.promoted
    assert "no better than" in second.promotion.reasons[0]
    version = MODEL_VERSIONS.get(second.model_id, records=runtime.records).value
    assert version.status is VersionStatus.READY
    assert version.promotion == second.promotion
    assert get_head("toys", records=runtime.records).production == 1


def test_the_values_of_test_rows_decide_nothing(ready_split: Split, runtime: Runtime) -> None:
    before = run(asked_for(ready_split, runtime, request_id="a").id, runtime)
    shuffled = {name: pl.col(name).shuffle(seed) for seed, name in enumerate(["size", "kind"])}
    rewrite_part(ready_split, "test", shuffled, runtime)

    after = run(asked_for(ready_split, runtime, request_id="b").id, runtime)

    assert after.best_trial == before.best_trial
    assert after.test != before.test
    models = [
        MODEL_VERSIONS.get(one.model_id, records=runtime.records).value.files
        for one in (before, after)
    ]
    for name in ("model.txt", "preprocess.json", "postprocess.json"):
        assert models[0][name].sha256 == models[1][name].sha256


def test_an_attempt_that_lost_its_lease_registers_nothing(
    ready_split: Split, runtime: Runtime
) -> None:
    experiment = asked_for(ready_split, runtime)
    worker = Worker("study-1", task=0, tasks=1, threads=1, lease_seconds=60)
    stolen = False

    class Stealing:
        """Records under which another attempt takes the lease after the first trial."""

        def __getattr__(self, name: str) -> Any:
            nonlocal stolen
            found = runtime.records.get_many(f"experiments/{experiment.id}/trials", ["0000002"])
            if found and not stolen:
                stolen = True
                seen = runtime.records.get(f"experiments/{experiment.id}/leases", "study")
                runtime.records.replace(seen, {**seen.body, "owner": "thief"})
            return getattr(runtime.records, name)

    with pytest.raises(Conflict):
        run_study(experiment.id, worker=worker, house=house_of(runtime, Stealing()), stop=Event())

    assert (stolen, MODEL_VERSIONS.list(records=runtime.records).values) == (True, [])
