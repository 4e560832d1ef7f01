"""How features are ranked: in which space, by class, by permutation; and what is kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.answers import label_name
from mlsys.domain.encoding import encode_examples, encode_frame
from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.domain.evaluation.metrics import resolve_metric
from mlsys.domain.feature_importance import Ranking
from mlsys.domain.split_records import Split
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.serving.loaded_models import ModelSelection
from mlsys.use_cases.serving.rankings import MAX_KEPT, Rankings, Sample
from tests.use_cases.test_importance import ask, by_feature, ranked
from tests.use_cases.training.crownings import rewrite_part

METRICS = {"whole": "roc_auc_ovr", "kept": "root_mean_squared_error", "mended": "roc_auc"}


@pytest.fixture
def split(trained: Runtime) -> Split:
    [split] = SPLITS.list(records=trained.records).values
    return split


@pytest.mark.parametrize(
    ("model", "method", "space"),
    [
        ("lightgbm", "shap", "log-odds"),
        ("mended", "shap", "log-odds before calibration"),
        ("whole", "shap", "score before softmax"),
        ("parted", "shap", "score before softmax and calibration"),
        ("value", "shap", "value"),
        ("kept", "shap", "value before clipping"),
        ("lightgbm", "native", "total gain of the splits"),
        ("xgboost", "native", "total gain of the splits"),
        ("catboost", "native", "change of the prediction, in percent of all"),
        *((model, "permutation", metric) for model, metric in METRICS.items()),
    ],
)
def test_an_answer_says_what_is_measured(
    trained: Runtime, model: str, method: str, space: str
) -> None:
    answer = ask(trained, model, method_preference=[method])

    assert (answer.method, answer.space) == (method, space)
    assert answer.seed == (None if method == "native" else 0)


def test_of_many_classes_each_is_told(trained: Runtime, held_out: pl.DataFrame) -> None:
    loaded = trained.models.find(ModelSelection(model="whole")).model
    shares = np.abs(loaded.booster.contributions(encode_frame(loaded.plan, held_out)))[..., :-1]
    names = [feature.name for feature in loaded.plan.features]
    labels = [label_name(label) for label in loaded.plan.labels]

    answer = ask(trained, "whole")

    for one in answer.importances:
        means = shares[:, :, names.index(one.feature)].mean(axis=0)
        assert one.classes == pytest.approx(dict(zip(labels, means.tolist(), strict=True)))
        assert one.importance == pytest.approx(sum(means))


@pytest.mark.parametrize("model", ["lightgbm", "value"])
def test_what_has_one_score_tells_no_classes(trained: Runtime, model: str) -> None:
    answer = ask(trained, model)

    assert "classes" not in answer.model_dump_json()


@pytest.mark.parametrize("model", METRICS)
def test_a_permutation_costs_what_the_metric_loses(
    trained: Runtime, held_out: pl.DataFrame, model: str
) -> None:
    loaded = trained.models.find(ModelSelection(model=model)).model
    rows = encode_examples(loaded.plan, held_out)
    metric = resolve_metric(METRICS[model], loaded.plan.task)
    sign = 1 if metric.maximize else -1
    names = [feature.name for feature in loaded.plan.features]
    generator = np.random.default_rng(5)
    before = metric.value(rows.target, loaded.predict(rows.matrix))
    losses: dict[str, list[float]] = {name: [] for name in names}
    for place, name in enumerate(names):
        for _ in range(3):
            matrix = rows.matrix.copy()
            matrix[:, place] = generator.permutation(matrix[:, place])
            after = metric.value(rows.target, loaded.predict(matrix))
            losses[name].append(sign * (before - after))

    answer = ask(trained, model, method_preference=["permutation"], seed=5, repeats=3)

    assert answer.metric_value == before
    assert (answer.seed, answer.repeats, answer.samples) == (5, 3, held_out.height)
    means = {name: float(np.mean(lost)) for name, lost in losses.items()}
    assert by_feature(answer) == pytest.approx(means, abs=1e-12)
    deviations = {one.feature: one.deviation for one in answer.importances}
    spread = {name: float(np.std(lost)) for name, lost in losses.items()}
    assert deviations == pytest.approx(spread, abs=1e-12)
    assert all(one.share >= 0 for one in answer.importances)


def test_what_a_permutation_cannot_tell_the_next_method_does(
    trained: Runtime, split: Split
) -> None:
    rewrite_part(split, "test", {"kind": pl.lit("big")}, trained)

    answer = ask(trained, "lightgbm", method_preference=["permutation", "shap", "native"])

    assert answer.method == "shap"
    assert len(answer.warnings) == 1
    assert answer.warnings[0].startswith("permutation: roc_auc is undefined here")


def test_who_wants_nothing_but_a_permutation_is_told_why_there_is_none(
    trained: Runtime, split: Split
) -> None:
    rewrite_part(split, "test", {"kind": pl.lit("big")}, trained)

    with pytest.raises(InvalidInput, match="permutation: roc_auc is undefined"):
        ask(trained, "lightgbm", method_preference=["permutation"])


def test_a_part_without_rows_tells_nothing(trained: Runtime, split: Split) -> None:
    rewrite_part(split, "test", {}, trained, rows=0)

    with pytest.raises(NotFound, match="has no rows in test"):
        ask(trained, "lightgbm", method_preference=["shap", "permutation"])
    assert ask(trained, "lightgbm").method == "native"


def test_another_seed_draws_other_rows(trained: Runtime) -> None:
    first, other, again = (ask(trained, "lightgbm", max_samples=9, seed=one) for one in (1, 2, 1))

    assert by_feature(first) == by_feature(again)
    assert by_feature(first) != by_feature(other)


def test_what_was_found_is_not_looked_for_again(trained: Runtime, split: Split) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"max_samples": 9},
        {"method_preference": ["permutation"]},
        {"split": "val"},
    ]
    before = [ask(trained, "lightgbm", **one) for one in asked]
    for file in split.files.values():
        trained.objects.delete(file.uri)

    after = [ask(trained, "lightgbm", **one) for one in asked]

    assert after == before
    assert ask(trained, "lightgbm", seed=3).method == "native"


def test_a_plot_has_all_rows_of_the_strongest_features(trained: Runtime) -> None:
    found = ranked(trained, "kept")

    swarm = found.swarm
    assert swarm is not None
    assert found.coded == {"colour"}
    assert swarm.contributions.shape == swarm.values.shape == (found.answer.samples, 4)
    means = np.abs(swarm.contributions).mean(axis=0)
    assert means == pytest.approx([one.importance for one in found.answer.importances], rel=1e-5)


@pytest.mark.parametrize("method", ["native", "permutation"])
def test_without_contributions_there_is_no_swarm(trained: Runtime, method: str) -> None:
    assert ranked(trained, "kept", method_preference=[method]).swarm is None


def test_only_so_many_rankings_are_kept() -> None:
    rankings, numbers = Rankings(), iter(range(1000))

    def find(model: int) -> float:
        ranking = rankings.of(Sample(f"m-v{model}", "native"), lambda: numbered(numbers))
        return float(ranking.scores[0])

    first = [find(model) for model in range(MAX_KEPT)]
    again = [find(model) for model in range(MAX_KEPT)]
    find(MAX_KEPT)

    assert again == first
    assert find(1) == 1
    assert find(0) == MAX_KEPT + 1


def numbered(numbers: Iterator[int]) -> Ranking:
    return Ranking(np.array([float(next(numbers))]), 0)


def test_the_metric_of_a_version_that_was_not_tested_is_the_one_it_was_chosen_by(
    trained: Runtime,
) -> None:
    seen = MODEL_VERSIONS.get("kept-v1", records=trained.records)
    version: Any = seen.value.model_copy(update={"test": None, "val": None})
    MODEL_VERSIONS.replace(seen, version, records=trained.records)

    answer = ask(trained, "kept", method_preference=["permutation"])

    assert answer.space == "root_mean_squared_error"
