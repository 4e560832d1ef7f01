"""What a trial is judged by: val, the folds of train, latency and size."""

import json
from statistics import fmean
from threading import Event
from typing import Any

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest, UploadFinished
from mlsys.domain.spaces.search import Suggested
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.shown_trials import list_trials
from mlsys.use_cases.split import split_upload
from mlsys.use_cases.training.material import Training, prepare
from mlsys.use_cases.training.objective import tried_fold
from tests.use_cases.conftest import asked_for


def run(split: Split, runtime: Runtime, **asked: Any) -> Experiment:
    experiment = asked_for(split, runtime, **asked)
    return handle(experiment.id, runtime, environment={}, stop=Event())


def prepared(split: Split, experiment: Experiment, runtime: Runtime) -> Training:
    request = ExperimentRequest.model_validate(experiment.request)
    return prepare(request, split, objects=runtime.objects, threads=1)


def folded(ready_split: Split, runtime: Runtime, **params: Any) -> Split:
    """Split the same table again, into folds."""
    dataset = {"split": {"strategy": "stratified_kfold", "target_column": "kind"} | params}
    runtime.objects.put("gs://uploads/folded/dataset.json", json.dumps(dataset).encode())
    rows = runtime.objects.read(ready_split.source_uri)
    file = runtime.objects.put("gs://uploads/folded/toys.csv", rows)
    found = split_upload(
        UploadFinished(bucket="uploads", name="folded/toys.csv", generation=file.generation),
        workshop=runtime.workshop({}),
        uploads_bucket="uploads",
    )
    assert found is not None
    return SPLITS.get(found.id, records=runtime.records).value


def test_with_folds_a_trial_is_worth_the_mean_over_them(
    ready_split: Split, runtime: Runtime
) -> None:
    ended = run(ready_split, runtime, cv_folds=3)

    training = prepared(ready_split, ended, runtime)
    assert ended.status is ExperimentStatus.SUCCEEDED
    assert ended.best_trial is not None
    drawn = Suggested(ModelType.LIGHTGBM, ended.best_trial.params)
    tried = [tried_fold(training, drawn, place) for place in range(3)]
    assert ended.best_trial.value == fmean(one.value for one in tried)
    assert ended.best_trial.rounds == round(fmean(one.fit.rounds for one in tried))


def test_folds_judge_each_row_of_train_once(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, asked_for(ready_split, runtime, cv_folds=4), runtime)

    places = np.concatenate([fold.places for fold in training.folds if fold.places is not None])
    assert sorted(places) == list(range(len(training.parts["train"].target)))


@pytest.mark.parametrize("ratios", [None, {"train": 0.8, "val": 0.0, "test": 0.2}])
def test_a_study_goes_by_the_folds_of_its_split(
    ready_split: Split, runtime: Runtime, ratios: dict[str, float] | None
) -> None:
    params = {"n_splits": 3} | ({} if ratios is None else {"ratios": ratios})
    split = folded(ready_split, runtime, **params)

    ended = run(split, runtime)

    assert ended.failure is None
    assert ended.status is ExperimentStatus.SUCCEEDED
    assert len(prepared(split, ended, runtime).folds) == 3
    assert "fold" not in {one.name for one in prepared(split, ended, runtime).plan.features}


@pytest.mark.parametrize("cost", ["latency", "size"])
def test_a_study_may_weigh_the_metric_against_what_a_model_costs(
    ready_split: Split, runtime: Runtime, cost: str
) -> None:
    config = {"sampler": "NSGAII", "n_trials": 4}

    ended = run(ready_split, runtime, objectives=["metric", cost], optuna_config=config)

    assert ended.failure is None
    rows, _ = list_trials(ended.id, page_size=9, page_token=None, records=runtime.records)
    values = [[float(one) for one in row.values or []] for row in rows]
    assert all(len(both) == 2 and both[1] > 0 for both in values)
    assert ended.best_trial is not None
    assert ended.best_trial.value == max(both[0] for both in values)
