"""Which features a model goes by: on the rows that were stored, or by the library itself."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.answers import Importances
from mlsys.domain.encoding import encode_frame
from mlsys.domain.errors import Corrupt, InvalidInput, NotFound
from mlsys.domain.split_records import Split
from mlsys.edge.parsing import parse_model
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.importance import ImportanceRequest, Ranked, importance_of
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from mlsys.use_cases.serving.rankings import Rankings
from tests.use_cases.conftest import MODELS, rows_of


@pytest.fixture
def split(trained: Runtime) -> Split:
    [split] = SPLITS.list(records=trained.records).values
    return split


def ask(runtime: Runtime, model: str, **fields: Any) -> Importances:
    return ranked(runtime, model, **fields).answer


def ranked(runtime: Runtime, model: str, **fields: Any) -> Ranked:
    asked = parse_model({"model": model, **fields}, ImportanceRequest)
    return importance_of(
        asked,
        runtime.models.find(asked),
        rankings=runtime.rankings,
        records=runtime.records,
        objects=runtime.objects,
        request_id="r-1",
    )


def by_feature(answer: Importances) -> dict[str, float]:
    return {one.feature: one.importance for one in answer.importances}


@pytest.mark.parametrize("model", MODELS)
def test_shap_is_the_mean_absolute_contribution_on_the_test_rows(
    trained: Runtime, held_out: pl.DataFrame, model: str
) -> None:
    loaded = trained.models.find(ModelSelection(model=model)).model
    shares = np.abs(loaded.booster.contributions(encode_frame(loaded.plan, held_out)))
    names = [feature.name for feature in loaded.plan.features]
    means = shares[..., :-1].mean(axis=0).reshape(-1, len(names)).sum(axis=0)

    answer = ask(trained, model)

    assert (answer.method, answer.split, answer.samples) == ("shap", "test", held_out.height)
    assert by_feature(answer) == pytest.approx(dict(zip(names, means.tolist(), strict=True)))
    assert answer.warnings == []
    assert (answer.model, answer.model_id, answer.version) == (model, f"{model}-v1", 1)


@pytest.mark.parametrize("method", ["shap", "native", "permutation"])
@pytest.mark.parametrize("model", MODELS)
def test_features_are_ranked_and_their_shares_sum_to_one(
    trained: Runtime, model: str, method: str
) -> None:
    answer = ask(trained, model, method_preference=[method])

    values = [one.importance for one in answer.importances]
    assert answer.method == method
    assert values == sorted(values, reverse=True)
    assert values[0] > 0
    assert sum(one.share for one in answer.importances) == pytest.approx(1)


def test_what_tells_the_classes_comes_before_noise(trained: Runtime) -> None:
    answer = ask(trained, "xgboost")

    assert answer.importances[0].feature == "size"


def test_native_is_the_librarys_own_and_of_no_rows(trained: Runtime) -> None:
    loaded = trained.models.find(ModelSelection(model="lightgbm")).model
    names = [feature.name for feature in loaded.plan.features]

    answer = ask(trained, "lightgbm", method_preference=["native", "shap"])

    assert (answer.split, answer.samples) == (None, 0)
    own = loaded.booster.importance().tolist()
    assert by_feature(answer) == dict(zip(names, own, strict=True))


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_the_rows_of_another_part_can_be_asked_for(trained: Runtime, part: Any) -> None:
    answer = ask(trained, "lightgbm", split=part)

    assert (answer.split, answer.samples) == (part, rows_of(part, trained).height)


def test_a_sample_is_as_large_as_asked_for_and_always_the_same(trained: Runtime) -> None:
    some = [ask(trained, "lightgbm", max_samples=9) for _ in range(2)]
    every = ask(trained, "lightgbm")

    assert [one.samples for one in some] == [9, 9]
    assert by_feature(some[0]) == by_feature(some[1])
    assert by_feature(some[0]) != by_feature(every)


def test_without_the_splits_rows_the_librarys_own_is_answered_with_a_warning(
    trained: Runtime, split: Split
) -> None:
    trained.objects.delete(split.files["test"].uri)

    answer = ask(trained, "lightgbm")

    assert answer.method == "native"
    assert len(answer.warnings) == 1
    assert answer.warnings[0].startswith("shap: ")
    assert "test.parquet" in answer.warnings[0]


def test_without_the_splits_record_the_librarys_own_is_answered_with_a_warning(
    trained: Runtime, split: Split, served: LoadedModels
) -> None:
    class Forgetful:
        """Records that have lost the split."""

        def __getattr__(self, name: str) -> Any:
            raise NotFound(f"splits/{split.id} does not exist")

    asked = ImportanceRequest(model="lightgbm")
    answer = importance_of(
        asked,
        served.find(asked),
        rankings=Rankings(),
        records=Forgetful(),
        objects=trained.objects,
        request_id="r-1",
    ).answer

    assert answer.method == "native"
    assert split.id in answer.warnings[0]


def test_who_wants_nothing_but_shap_is_told_that_the_rows_are_gone(
    trained: Runtime, split: Split
) -> None:
    trained.objects.delete(split.files["test"].uri)

    with pytest.raises(NotFound, match=r"shap: .*test\.parquet"):
        ask(trained, "lightgbm", method_preference=["shap"])


def test_rows_that_were_damaged_are_corrupt(trained: Runtime, split: Split) -> None:
    trained.objects.put(split.files["test"].uri, b"PAR1")

    with pytest.raises(Corrupt, match=r"test\.parquet"):
        ask(trained, "lightgbm")


def test_an_unknown_model_is_not_found_whatever_the_method(trained: Runtime) -> None:
    with pytest.raises(NotFound, match="'nope'"):
        ask(trained, "nope", method_preference=["native"])


def test_five_thousand_samples_can_be_asked_for_and_not_one_more(trained: Runtime) -> None:
    assert ask(trained, "lightgbm", max_samples=5_000).samples > 0

    with pytest.raises(InvalidInput, match="max_samples"):
        ask(trained, "lightgbm", max_samples=5_001)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_samples": 0},
        {"method_preference": []},
        {"method_preference": ["lime"]},
        {"split": "all"},
        {"samples": 3},
        {"seed": -1},
        {"repeats": 0},
        {"repeats": 21},
        {"plot": "svg"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(trained: Runtime, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(fields))):
        ask(trained, "lightgbm", **fields)
