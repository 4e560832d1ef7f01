"""What a column is for decides whether it is learnt from, unless somebody names it."""

import pytest

from mlsys.domain.split_records import Role, Split
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.training.material import Training, prepare
from tests.use_cases.conftest import request_of

ASIDE = [one for one in Role if one not in {Role.FEATURE, Role.TARGET}]


def prepared(split: Split, runtime: Runtime, role: Role, **fields: list[str]) -> Training:
    """Prepare a study of a split whose column `noise` has a role."""
    columns = [
        one.model_copy(update={"role": role}) if one.name == "noise" else one
        for one in split.columns
    ]
    changed = SPLITS.change(
        split.id,
        lambda seen: seen.model_copy(update={"columns": columns}),
        records=runtime.records,
    )
    return prepare(request_of(split, **fields), changed, objects=runtime.objects, threads=1)


def names(training: Training) -> set[str]:
    return {feature.name for feature in training.plan.features}


def test_a_feature_is_learnt_from(ready_split: Split, runtime: Runtime) -> None:
    assert "noise" in names(prepared(ready_split, runtime, Role.FEATURE))


@pytest.mark.parametrize("role", ASIDE)
def test_what_is_there_for_something_else_is_not(
    ready_split: Split, runtime: Runtime, role: Role
) -> None:
    assert "noise" not in names(prepared(ready_split, runtime, role))


@pytest.mark.parametrize("role", ASIDE)
def test_what_is_named_is_learnt_from_all_the_same(
    ready_split: Split, runtime: Runtime, role: Role
) -> None:
    training = prepared(ready_split, runtime, role, feature_columns=["size", "noise"])

    assert names(training) == {"size", "noise"}
