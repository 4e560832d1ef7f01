"""What Optuna expects of a storage, on every backend of `Records`."""

# ruff: noqa: SLF001  # the ids that a storage is asked by have no public name

import copy
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Event
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from mlsys.ports import Records
from mlsys.use_cases.leading.ends import End, Outcome
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work

MINIMIZE = [StudyDirection.MINIMIZE]
UNIT = FloatDistribution(0, 1)
FINAL = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]

ATTRIBUTES: dict[str, Any] = {
    "text": "MNIST",
    "nothing": None,
    "nested": {"score": 0.001, "tags": ["image", {"": []}], "$float": "a name", "$$": 1},
    "lists": [[1, 2], [3, [4]]],
    "largest": 1.7976931348623157e308,
    "least": 5e-324,
    "big": 2**70,
    "infinite": math.inf,
    "negative": -math.inf,
    "": "no name",
}

DISTRIBUTIONS: list[tuple[BaseDistribution, Any]] = [
    (FloatDistribution(-1.5, 2.5), 0.1 + 0.2),
    (FloatDistribution(1e-300, 1e300, log=True), 5e-200),
    (FloatDistribution(0, 1, step=0.1), 0.3),
    (IntDistribution(1, 2**40), 2**40 - 1),
    (IntDistribution(1, 64, log=True), 33),
    (CategoricalDistribution(["a", 1, 2.5, None, True]), None),
    (CategoricalDistribution([math.inf, -math.inf]), -math.inf),
]


@pytest.fixture
def storage(records: Records) -> TrialStorage:
    """A storage that knows all it reads from its own writes."""
    return TrialStorage(records)


@pytest.fixture
def other(records: Records) -> Callable[[], TrialStorage]:
    """Make the storage of another worker, which has to read everything."""
    return lambda: TrialStorage(records)


# --- studies ---------------------------------------------------------------------------------


def test_a_study_without_a_name_gets_one_of_its_own(storage: TrialStorage) -> None:
    first, second = (storage.create_new_study(MINIMIZE) for _ in range(2))

    names = {study.study_name for study in storage.get_all_studies()}

    assert first != second
    assert len(names) == 2
    assert all(name.startswith("no-name-") for name in names)


@pytest.mark.parametrize("name", ["churn", "", "a/b", "Größe 1", "../x", "x" * 300])
def test_a_study_is_found_by_its_name_and_by_its_id(
    storage: TrialStorage, other: Callable[[], TrialStorage], name: str
) -> None:
    study_id = storage.create_new_study(MINIMIZE, name)

    assert storage.get_study_id_from_name(name) == study_id
    assert other().get_study_id_from_name(name) == study_id
    assert other().get_study_name_from_id(study_id) == name


def test_a_name_is_given_once(storage: TrialStorage, other: Callable[[], TrialStorage]) -> None:
    storage.create_new_study(MINIMIZE, "churn")

    for again in (storage, other()):
        with pytest.raises(DuplicatedStudyError, match="churn"):
            again.create_new_study(MINIMIZE, "churn")


def test_of_racing_workers_one_creates_a_study_and_all_load_it(records: Records) -> None:
    def load(_: int) -> int:
        storage = TrialStorage(records)
        optuna.create_study(storage=storage, study_name="churn", load_if_exists=True)
        return storage.get_study_id_from_name("churn")

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(load, range(8)))

    assert len(ids) == 1


@pytest.mark.parametrize(
    "directions",
    [[StudyDirection.MAXIMIZE], [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]],
    ids=str,
)
def test_a_study_keeps_its_directions(
    storage: TrialStorage, other: Callable[[], TrialStorage], directions: list[StudyDirection]
) -> None:
    study_id = storage.create_new_study(tuple(directions))

    assert storage.get_study_directions(study_id) == directions
    assert other().get_study_directions(study_id) == directions


@pytest.mark.parametrize("kind", ["user", "system"])
def test_a_study_keeps_attributes_of_either_kind(
    storage: TrialStorage, other: Callable[[], TrialStorage], kind: str
) -> None:
    study_id = storage.create_new_study(MINIMIZE)

    for key, value in {"text": "replaced", **ATTRIBUTES}.items():
        getattr(storage, f"set_study_{kind}_attr")(study_id, key, value)

    for reader in (storage, other()):
        read = {
            "user": reader.get_study_user_attrs(study_id),
            "system": reader.get_study_system_attrs(study_id),
        }
        assert read == {"user": {}, "system": {}, kind: ATTRIBUTES}


def test_a_study_attribute_may_be_nan(storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)

    storage.set_study_user_attr(study_id, "loss", math.nan)

    assert math.isnan(storage.get_study_user_attrs(study_id)["loss"])


def test_attributes_read_earlier_do_not_change(storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    storage.set_study_user_attr(study_id, "first", 1)
    before = storage.get_study_user_attrs(study_id)

    storage.set_study_user_attr(study_id, "second", 2)

    assert before == {"first": 1}


def test_no_attribute_is_lost_to_another_worker(records: Records, storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)

    def set_own(worker: int) -> None:
        TrialStorage(records).set_study_user_attr(study_id, f"worker-{worker}", worker)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(set_own, range(6)))

    assert storage.get_study_user_attrs(study_id) == {f"worker-{i}": i for i in range(6)}


def test_all_studies_are_listed_by_id_with_what_they_are(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    ids = {}
    for number in range(105):
        ids[f"study-{number}"] = storage.create_new_study(MINIMIZE, f"study-{number}")
    storage.set_study_user_attr(ids["study-3"], "u", 1)
    storage.set_study_system_attr(ids["study-3"], "s", 2)

    studies = other().get_all_studies()

    assert {study.study_name: study._study_id for study in studies} == ids
    assert all(first < second for first, second in pairwise(studies))
    [third] = [study for study in studies if study.study_name == "study-3"]
    assert third.directions == MINIMIZE
    assert (third.user_attrs, third.system_attrs) == ({"u": 1}, {"s": 2})


def test_a_deleted_study_is_gone_with_its_trials(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    kept, study_id = (storage.create_new_study(MINIMIZE, name) for name in ("kept", "churn"))
    trial_ids = [storage.create_new_trial(study_id) for _ in range(3)]

    storage.delete_study(study_id)

    assert [study._study_id for study in other().get_all_studies()] == [kept]
    for reader in (storage, other()):
        with pytest.raises(KeyError):
            reader.get_trial(trial_ids[0])
        with pytest.raises(KeyError):
            reader.get_study_id_from_name("churn")
        with pytest.raises(KeyError):
            reader.delete_study(study_id)


def test_ids_of_a_deleted_study_are_not_given_again(storage: TrialStorage) -> None:
    first = storage.create_new_study(MINIMIZE, "churn")
    old_trial = storage.create_new_trial(first)
    storage.delete_study(first)

    second = storage.create_new_study(MINIMIZE, "churn")
    new_trial = storage.create_new_trial(second)

    assert second != first
    assert new_trial != old_trial
    assert [trial._trial_id for trial in storage.get_all_trials(second)] == [new_trial]


def test_a_worker_of_a_deleted_study_is_told(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study_id = storage.create_new_study(MINIMIZE, "churn")
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_param(trial_id, "x", 0.5, UNIT)

    other().delete_study(study_id)

    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(KeyError, match="deleted"):
        storage.get_all_trials(study_id)
    with pytest.raises(KeyError, match="deleted"):
        storage.set_study_user_attr(study_id, "key", 1)


UNKNOWN_STUDY: dict[str, Callable[[TrialStorage, int], object]] = {
    "delete": lambda storage, one: storage.delete_study(one),
    "user attribute": lambda storage, one: storage.set_study_user_attr(one, "k", 1),
    "system attribute": lambda storage, one: storage.set_study_system_attr(one, "k", 1),
    "name": lambda storage, one: storage.get_study_name_from_id(one),
    "directions": lambda storage, one: storage.get_study_directions(one),
    "user attributes": lambda storage, one: storage.get_study_user_attrs(one),
    "system attributes": lambda storage, one: storage.get_study_system_attrs(one),
    "new trial": lambda storage, one: storage.create_new_trial(one),
    "trials": lambda storage, one: storage.get_all_trials(one),
    "number of trials": lambda storage, one: storage.get_n_trials(one),
    "best trial": lambda storage, one: storage.get_best_trial(one),
    "trial by number": lambda storage, one: storage.get_trial_id_from_study_id_trial_number(one, 0),
    "name of none": lambda storage, one: storage.get_study_id_from_name(f"none-{one}"),
}


@pytest.mark.parametrize("call", UNKNOWN_STUDY.values(), ids=UNKNOWN_STUDY)
def test_an_unknown_study_is_a_key_error(
    storage: TrialStorage, call: Callable[[TrialStorage, int], object]
) -> None:
    study_id = storage.create_new_study(MINIMIZE)

    with pytest.raises(KeyError):
        call(storage, study_id + 1)


# --- trials ----------------------------------------------------------------------------------


def test_a_new_trial_runs_and_is_empty(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    earlier = datetime.now()  # noqa: DTZ005  # Optuna keeps local times without a zone

    trial_id = storage.create_new_trial(study_id)

    for reader in (storage, other()):
        trial = reader.get_trial(trial_id)
        assert (trial.number, trial._trial_id, trial.state) == (0, trial_id, TrialState.RUNNING)
        assert (trial.params, trial.distributions, trial.intermediate_values) == ({}, {}, {})
        assert (trial.user_attrs, trial.system_attrs, trial.values) == ({}, {}, None)
        assert trial.datetime_start is not None
        assert timedelta(0) <= trial.datetime_start - earlier < timedelta(seconds=30)
        assert trial.datetime_complete is None


def test_numbers_are_dense_in_a_study_and_ids_unique_in_a_storage(storage: TrialStorage) -> None:
    studies = [storage.create_new_study(MINIMIZE) for _ in range(2)]

    ids = [storage.create_new_trial(study_id) for _ in range(3) for study_id in studies]

    assert len(set(ids)) == 6
    for study_id in studies:
        assert [trial.number for trial in storage.get_all_trials(study_id)] == [0, 1, 2]
        trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, 2)
        assert storage.get_trial_number_from_id(trial_id) == 2


def test_numbers_are_dense_over_racing_workers(records: Records, storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)

    def create(_: int) -> list[int]:
        worker = TrialStorage(records)
        return [worker.create_new_trial(study_id) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        created = [trial_id for ids in pool.map(create, range(4)) for trial_id in ids]

    trials = storage.get_all_trials(study_id)
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial._trial_id for trial in trials} == set(created)


@pytest.mark.parametrize("state", TrialState, ids=str)
def test_a_trial_made_from_a_template_is_like_it(
    storage: TrialStorage, other: Callable[[], TrialStorage], state: TrialState
) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    storage.create_new_trial(study_id)
    template = _template(state)

    trial_id = storage.create_new_trial(study_id, template)

    expected = copy.deepcopy(template)
    expected.number, expected._trial_id = 1, trial_id
    assert storage.get_trial(trial_id) == expected
    assert other().get_trial(trial_id) == expected
    assert template.number == -1


@pytest.mark.parametrize(("distribution", "value"), DISTRIBUTIONS, ids=str)
def test_a_parameter_comes_back_exactly(
    storage: TrialStorage,
    other: Callable[[], TrialStorage],
    distribution: BaseDistribution,
    value: Any,
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    internal = distribution.to_internal_repr(value)

    storage.set_trial_param(trial_id, "x", internal, distribution)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.0])

    for reader in (storage, other()):
        assert reader.get_trial_param(trial_id, "x") == internal
        assert reader.get_trial_params(trial_id) == {"x": value}
        assert reader.get_trial(trial_id).distributions == {"x": distribution}


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]])
def test_parameters_keep_their_order(
    storage: TrialStorage, other: Callable[[], TrialStorage], names: list[str]
) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    trial_id = storage.create_new_trial(study_id)

    for name in names:
        storage.set_trial_param(trial_id, name, 0.5, UNIT)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)

    for reader in (storage, other()):
        [trial] = reader.get_all_trials(study_id)
        assert list(trial.params) == names


def test_a_parameter_keeps_its_kind_within_a_study(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study_id, elsewhere = (storage.create_new_study(MINIMIZE) for _ in range(2))
    first = storage.create_new_trial(study_id)
    storage.set_trial_param(first, "x", 0, CategoricalDistribution(["a", "b"]))
    storage.set_trial_state_values(first, TrialState.COMPLETE, [0.0])

    for worker in (storage, other()):
        trial_id = worker.create_new_trial(study_id)
        with pytest.raises(ValueError, match="dynamic value space"):
            worker.set_trial_param(trial_id, "x", 0, CategoricalDistribution(["b", "a"]))
        with pytest.raises(ValueError, match="distribution kind"):
            worker.set_trial_param(trial_id, "x", 0.5, UNIT)
    storage.set_trial_param(storage.create_new_trial(elsewhere), "x", 0.5, UNIT)


def test_a_missing_parameter_is_a_key_error(storage: TrialStorage) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    with pytest.raises(KeyError):
        storage.get_trial_param(trial_id, "x")


@pytest.mark.parametrize("state", FINAL, ids=str)
@pytest.mark.parametrize("value", [None, 0.5, 3, -1e308, 5e-324, math.inf, -math.inf])
def test_an_end_is_kept(
    storage: TrialStorage,
    other: Callable[[], TrialStorage],
    state: TrialState,
    value: float | None,
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    changed = storage.set_trial_state_values(trial_id, state, None if value is None else (value,))

    assert changed
    for reader in (storage, other()):
        trial = reader.get_trial(trial_id)
        assert (trial.state, trial.value) == (state, value)
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        assert trial.datetime_start <= trial.datetime_complete


def test_reported_values_are_kept_and_replaced_by_step(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    for step, value in [(10, 0.3), (2, 0.4), (3, math.inf), (4, -math.inf), (10, 0.2)]:
        storage.set_trial_intermediate_value(trial_id, step, value)
    storage.set_trial_intermediate_value(trial_id, 5, math.nan)
    storage.set_trial_state_values(trial_id, TrialState.PRUNED)

    for reader in (storage, other()):
        values = reader.get_trial(trial_id).intermediate_values
        assert math.isnan(values.pop(5))
        assert values == {10: 0.2, 2: 0.4, 3: math.inf, 4: -math.inf}


@pytest.mark.parametrize("kind", ["user", "system"])
def test_a_trial_keeps_attributes_of_either_kind(
    storage: TrialStorage, other: Callable[[], TrialStorage], kind: str
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    for key, value in {"text": "replaced", **ATTRIBUTES}.items():
        getattr(storage, f"set_trial_{kind}_attr")(trial_id, key, value)
    before = _attributes(storage, trial_id)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.0])

    expected = {"user": {}, "system": {}, kind: ATTRIBUTES}
    assert before == expected
    assert _attributes(storage, trial_id) == expected
    assert _attributes(other(), trial_id) == expected


def test_an_attribute_that_is_not_json_is_refused_where_it_is_set(storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    trial_id = storage.create_new_trial(study_id)

    for setter in (storage.set_trial_user_attr, storage.set_trial_system_attr):
        with pytest.raises(TypeError):
            setter(trial_id, "k", {1, 2})
    for study_setter in (storage.set_study_user_attr, storage.set_study_system_attr):
        with pytest.raises(TypeError):
            study_setter(study_id, "k", object())

    assert storage.get_trial(trial_id).user_attrs == {}


def test_an_attribute_does_not_follow_what_it_was_made_from(storage: TrialStorage) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    layers = [64]

    storage.set_trial_user_attr(trial_id, "layers", layers)
    layers.append(32)

    assert storage.get_trial(trial_id).user_attrs == {"layers": [64]}


def _to(state: TrialState) -> Callable[[TrialStorage, int], object]:
    return lambda storage, one: storage.set_trial_state_values(one, state)


CHANGES: dict[str, Callable[[TrialStorage, int], object]] = {
    "parameter": lambda storage, one: storage.set_trial_param(one, "x", 0.5, UNIT),
    "value": lambda storage, one: storage.set_trial_intermediate_value(one, 0, 0.5),
    "user attribute": lambda storage, one: storage.set_trial_user_attr(one, "k", 1),
    "system attribute": lambda storage, one: storage.set_trial_system_attr(one, "k", 1),
    **{f"to {state}": _to(state) for state in TrialState},
}


@pytest.mark.parametrize("state", FINAL, ids=str)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_finished_trial_cannot_be_changed(
    storage: TrialStorage,
    other: Callable[[], TrialStorage],
    state: TrialState,
    change: Callable[[TrialStorage, int], object],
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    storage.set_trial_state_values(trial_id, state, [1.0] if state is FINAL[0] else None)
    before = storage.get_trial(trial_id)

    for writer in (storage, other()):
        with pytest.raises(UpdateFinishedTrialError):
            change(writer, trial_id)

    assert other().get_trial(trial_id) == before


@pytest.mark.parametrize("name", [name for name in CHANGES if not name.endswith("RUNNING")])
def test_a_trial_that_another_worker_runs_cannot_be_changed(
    storage: TrialStorage,
    other: Callable[[], TrialStorage],
    name: str,
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    with pytest.raises(UpdateFinishedTrialError):
        CHANGES[name](other(), trial_id)

    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    assert other().get_trial(trial_id).value == 1.0


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_unknown_trial_is_a_key_error(
    storage: TrialStorage, change: Callable[[TrialStorage, int], object]
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    for unknown in (trial_id + 1, trial_id + 10, -1):
        with pytest.raises(KeyError):
            change(storage, unknown)
        with pytest.raises(KeyError):
            storage.get_trial(unknown)


def test_running_stays_running(storage: TrialStorage) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    before = storage.get_trial(trial_id)

    changed = storage.set_trial_state_values(trial_id, TrialState.RUNNING)

    assert not changed
    assert storage.get_trial(trial_id) == before


def test_a_running_trial_does_not_go_back_to_the_queue(storage: TrialStorage) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    with pytest.raises(ValueError, match="released"):
        storage.set_trial_state_values(trial_id, TrialState.WAITING)

    assert storage.get_trial(trial_id).state is TrialState.RUNNING


def test_what_was_read_does_not_change(storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    for state in TrialState:
        storage.create_new_trial(study_id, _template(state))
    read = storage.get_all_trials(study_id, deepcopy=False)
    before = copy.deepcopy(read)

    for trial in read:
        if not trial.state.is_finished():
            storage.set_trial_param(trial._trial_id, "y", 0.25, UNIT)
            storage.set_trial_user_attr(trial._trial_id, "new", 1)
            storage.set_trial_system_attr(trial._trial_id, "new", 1)
            storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
            storage.set_trial_intermediate_value(trial._trial_id, 99, 1.0)
            storage.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [0.0])

    assert read == before
    assert storage.get_n_trials(study_id, TrialState.COMPLETE) == 3


def test_a_deep_copy_may_be_changed(storage: TrialStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    storage.create_new_trial(study_id, _template(TrialState.COMPLETE))

    storage.get_all_trials(study_id, deepcopy=True)[0].params["x"] = 0.9

    assert storage.get_all_trials(study_id)[0].params["x"] == 0.5


def test_trials_are_filtered_by_state(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    for state in [*TrialState, TrialState.COMPLETE]:
        storage.create_new_trial(study_id, _template(state))

    for reader in (storage, other()):
        assert reader.get_n_trials(study_id) == 6
        assert reader.get_n_trials(study_id, TrialState.COMPLETE) == 2
        assert reader.get_all_trials(study_id, states=()) == []
        for states, count in [(FINAL, 4), ((TrialState.WAITING,), 1), ((TrialState.RUNNING,), 1)]:
            trials = reader.get_all_trials(study_id, states=tuple(states))
            assert len(trials) == count
            assert all(trial.state in states for trial in trials)


@pytest.mark.parametrize("direction", [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE], ids=str)
@pytest.mark.parametrize("values", [[1.0, 0.0, 2.0], [0.0, math.inf, -math.inf], [math.inf]])
def test_the_best_trial_is_found(
    storage: TrialStorage, direction: StudyDirection, values: list[float]
) -> None:
    study_id = storage.create_new_study([direction])
    with pytest.raises(ValueError, match="No trials"):
        storage.get_best_trial(study_id)

    for value in values:
        storage.create_new_trial(study_id, create_trial(value=value))
    storage.create_new_trial(study_id)

    best = max if direction is StudyDirection.MAXIMIZE else min
    assert storage.get_best_trial(study_id).value == best(values)


def test_several_directions_have_no_best_trial(storage: TrialStorage) -> None:
    study_id = storage.create_new_study([StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])

    storage.create_new_trial(study_id, create_trial(values=[1.0, 2.0]))

    assert storage.get_all_trials(study_id)[0].values == [1.0, 2.0]
    with pytest.raises(RuntimeError):
        storage.get_best_trial(study_id)


# --- the queue -------------------------------------------------------------------------------


def test_an_enqueued_trial_is_asked_for_first(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study = optuna.create_study(storage=storage, study_name="churn")
    study.enqueue_trial({"x": 0.25}, user_attrs={"why": "default"})

    trial = optuna.load_study(study_name="churn", storage=other()).ask()

    assert trial.number == 0
    assert trial.suggest_float("x", 0, 1) == 0.25
    assert trial.user_attrs == {"why": "default"}
    assert study.ask().number == 1


def test_of_racing_workers_one_gets_an_enqueued_trial(records: Records) -> None:
    study = optuna.create_study(storage=TrialStorage(records), study_name="churn")
    workers = [TrialStorage(records) for _ in range(6)]
    study.enqueue_trial({"x": 0.25})
    [waiting] = workers[0].get_all_trials(workers[0].get_study_id_from_name("churn"))

    def claim(worker: TrialStorage) -> bool:
        return worker.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(claim, workers))

    assert won.count(True) == 1


def test_a_waiting_trial_that_has_ended_meanwhile_cannot_be_claimed(
    storage: TrialStorage, other: Callable[[], TrialStorage]
) -> None:
    study_id = storage.create_new_study(MINIMIZE)
    late = other()
    trial_id = storage.create_new_trial(study_id, create_trial(state=TrialState.WAITING))
    late.get_all_trials(study_id)

    storage.set_trial_state_values(trial_id, TrialState.FAIL)

    with pytest.raises(UpdateFinishedTrialError):
        late.set_trial_state_values(trial_id, TrialState.RUNNING)


# --- the library on top ----------------------------------------------------------------------


def test_workers_share_a_budget(records: Records) -> None:
    optuna.create_study(storage=TrialStorage(records), study_name="churn")

    def run(seed: int) -> Outcome:
        storage = TrialStorage(records, max_trials=12)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=2)
        study = optuna.load_study(study_name="churn", storage=storage, sampler=sampler)
        return work(study, _objective, storage=storage, stop=Event(), poll_seconds=0.05)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(run, range(3)))

    trials = optuna.load_study(study_name="churn", storage=TrialStorage(records)).trials
    assert {outcome.end for outcome in outcomes} == {End.FINISHED}
    assert sum(outcome.trials for outcome in outcomes) == 12
    assert [trial.number for trial in trials] == list(range(12))
    assert all(trial.state.is_finished() for trial in trials)


SAMPLERS: Mapping[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "TPE": lambda: optuna.samplers.TPESampler(seed=1, n_startup_trials=4),
    "Random": lambda: optuna.samplers.RandomSampler(seed=1),
    "Grid": lambda: optuna.samplers.GridSampler({"x": [0.1, 0.4], "n": [1, 2]}, seed=1),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize(
    "pruner",
    [
        optuna.pruners.MedianPruner(n_startup_trials=2),
        optuna.pruners.SuccessiveHalvingPruner(),
        optuna.pruners.HyperbandPruner(max_resource=4),
    ],
    ids=lambda pruner: type(pruner).__name__,
)
def test_a_study_goes_as_it_goes_in_memory(
    storage: TrialStorage,
    sampler: Callable[[], optuna.samplers.BaseSampler],
    pruner: optuna.pruners.BasePruner,
) -> None:
    def run(where: TrialStorage | None) -> list[tuple[Any, ...]]:
        study = optuna.create_study(
            storage=where, sampler=sampler(), pruner=pruner, study_name="churn"
        )
        study.optimize(_objective, n_trials=4)
        study.optimize(_objective, n_trials=6)
        return [
            (trial.number, trial.state, trial.values, trial.params, trial.intermediate_values)
            for trial in study.trials
        ]

    assert run(storage) == run(None)


def _objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0, 1)
    n = trial.suggest_int("n", 1, 8)
    for step in range(4):
        trial.report(x * n / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x * n


def _attributes(storage: TrialStorage, trial_id: int) -> dict[str, Any]:
    return {
        "user": storage.get_trial_user_attrs(trial_id),
        "system": storage.get_trial_system_attrs(trial_id),
    }


def _template(state: TrialState) -> FrozenTrial:
    started, completed = datetime(2022, 9, 1, 12, 30), datetime(2022, 9, 2)  # noqa: DTZ001
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=state,
        value=10.0 if state is TrialState.COMPLETE else None,
        datetime_start=started,
        datetime_complete=completed if state.is_finished() else None,
        params={"x": 0.5},
        distributions={"x": UNIT},
        user_attrs={"foo": "bar"},
        system_attrs={"fixed_params": {"x": 0.5}},
        intermediate_values={1: 10.0, 20: 100.0},
    )
