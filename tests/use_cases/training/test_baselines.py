"""What a winner has to beat: a constant, and the defaults of the libraries."""

import numpy as np
import pytest

from mlsys.domain.evaluation.metrics import constant_prediction
from mlsys.domain.records import Part
from mlsys.domain.split_records import Split
from mlsys.runtime import Runtime
from mlsys.use_cases.training.verdict import crown
from tests.use_cases.training.crownings import changed, crowned, prepared, searched


def test_what_does_not_beat_a_constant_says_so_on_both_parts(
    ready_split: Split, runtime: Runtime
) -> None:
    training = prepared(ready_split, runtime)
    for part in ("val", "test"):
        training = changed(training, part, target=1 - training.parts[part].target)

    winner = crowned(training)

    told = [one for one in winner.verdict.warnings if "does not beat a constant on" in one]
    assert [one.split(" on ")[1].split(":")[0] for one in told] == ["val", "test"]


def test_a_constant_is_weighed_as_the_rows_are(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, runtime, weight_column="price", metric_name="log_loss")
    train, val = training.parts["train"], training.parts["val"]

    baselines = crowned(training).verdict.baselines

    task = training.plan.task
    rows = len(val.target)
    constant = constant_prediction(task, train.target, rows=rows, weights=train.weights)
    wanted = training.metric.value(val.target, constant, weights=val.weights)
    assert baselines["val/constant/log_loss"] == wanted
    assert baselines.keys() == {f"{one}/log_loss" for one in _BASELINES}


_BASELINES = ("val/constant", "val/defaults", "test/constant")


def test_of_several_libraries_each_ones_defaults_are_a_baseline(
    ready_split: Split, runtime: Runtime
) -> None:
    training = prepared(ready_split, runtime, model_type="auto")

    baselines = crowned(training, trials=4).verdict.baselines

    libraries = {name.split("/")[2] for name in baselines if name.startswith("val/defaults/")}
    assert libraries == {"catboost", "lightgbm", "xgboost"}


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_constant_that_cannot_be_judged_is_no_baseline(
    ready_split: Split, runtime: Runtime, part: Part
) -> None:
    training = prepared(ready_split, runtime, metric_name="kappa")
    trials = searched(training)
    commonest = round(training.parts["train"].target.mean())
    one_class = np.full_like(training.parts[part].target, commonest)

    verdict = crown(changed(training, part, target=one_class), trials[0], trials).verdict

    name = training.metric.name
    other = "val" if part == "test" else "test"
    assert verdict.baselines.keys() == {f"{other}/constant/{name}", f"val/defaults/{name}"}
    assert verdict.judgement.parts[part].metrics[name] == 0
