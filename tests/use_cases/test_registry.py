"""The registry: dense versions, one pointer per stage, an event for each change, gates."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from mlsys.domain import promotion
from mlsys.domain.errors import Conflict, LostRace, NotFound, Refused
from mlsys.domain.messages import Gates
from mlsys.domain.model_records import Measure, ModelHead, ModelVersion, VersionStatus
from mlsys.ports import Records
from mlsys.repositories.models import MODEL_VERSIONS, model_events
from mlsys.use_cases.model_heads import PromoteRequest, promote, registering
from mlsys.use_cases.registry import get_head, list_versions, model_id_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def registered(
    records: Records,
    *,
    auc: float = 0.9,
    status: VersionStatus = VersionStatus.READY,
    metric: str = "roc_auc",
    maximize: bool = True,
) -> str:
    while True:
        number, writes = registering("churn", op_id="exp-1", at=NOW, records=records)
        version = ModelVersion(
            id=model_id_of("churn", number),
            name="churn",
            version=number,
            status=status,
            created_at=NOW,
            experiment_id="exp-1",
            split_id="split-1",
            model_type="lightgbm",
            task="binary",
            test=Measure(name=metric, value=auc),
            maximize=maximize,
        )
        try:
            records.commit([*writes, MODEL_VERSIONS.creation(version.id, version)])
        except Conflict:
            continue
        return version.id


def replayed(records: Records) -> ModelHead:
    head = ModelHead(name="churn", created_at=NOW)
    events = model_events("churn").list(
        records=records, order_by="revision", descending=False, limit=1000
    )
    for event in events.values:
        head = promotion.replay(head, event)
    return head


def to_production(model_id: str, records: Records, **fields: object) -> bool:
    request = PromoteRequest.model_validate({"stage": "production", **fields})
    return promote(model_id, request, records=records, now=NOW).promoted


def test_versions_are_dense(records: Records) -> None:
    assert [registered(records) for _ in range(3)] == ["churn-v1", "churn-v2", "churn-v3"]


def test_a_promotion_moves_the_pointer_and_says_from_where(records: Records) -> None:
    first, second = registered(records), registered(records)
    to_production(first, records)

    answer = promote(second, PromoteRequest(stage="production"), records=records, now=NOW)

    assert (answer.promoted, answer.previous_model_id) == (True, first)
    assert get_head("churn", records=records).production == 2


def test_promoting_what_is_there_already_changes_nothing(records: Records) -> None:
    only = registered(records)
    to_production(only, records)
    before = get_head("churn", records=records)

    assert not to_production(only, records)
    assert get_head("churn", records=records) == before


def test_stages_are_pointers_of_their_own(records: Records) -> None:
    first, second = registered(records), registered(records)
    to_production(first, records)

    promote(second, PromoteRequest(stage="staging"), records=records, now=NOW)

    head = get_head("churn", records=records)
    assert (head.staging, head.production) == (2, 1)


def test_asking_what_would_happen_changes_nothing(records: Records) -> None:
    only = registered(records)

    assert not to_production(only, records, validate_only=True)
    assert get_head("churn", records=records).production is None


def test_a_version_whose_files_are_not_written_is_refused(records: Records) -> None:
    reserved = registered(records, status=VersionStatus.RESERVED)

    with pytest.raises(Refused) as caught:
        to_production(reserved, records)

    assert "files are not all written" in caught.value.reasons[0]


@pytest.mark.parametrize(
    ("auc", "reason"), [(0.9, "no better than 0.9"), (0.89, "no better than 0.9")]
)
def test_the_gate_lets_nothing_pass_that_is_not_better(
    records: Records, auc: float, reason: str
) -> None:
    to_production(registered(records, auc=0.9), records)

    with pytest.raises(Refused) as caught:
        to_production(registered(records, auc=auc), records, gates={"must_improve": True})

    assert reason in caught.value.reasons[0]
    assert get_head("churn", records=records).production == 1


def test_the_gate_lets_the_better_pass(records: Records) -> None:
    to_production(registered(records, auc=0.9), records)

    assert to_production(registered(records, auc=0.91), records, gates={})


def test_lower_is_better_where_the_metric_is_an_error(records: Records) -> None:
    error = {"metric": "root_mean_squared_error", "maximize": False}
    to_production(registered(records, auc=3.0, **error), records)  # type: ignore[arg-type]

    assert to_production(registered(records, auc=2.0, **error), records, gates={})  # type: ignore[arg-type]


def test_what_cannot_be_compared_is_refused(records: Records) -> None:
    to_production(registered(records, metric="roc_auc"), records)

    with pytest.raises(Refused, match="was not promoted"):
        to_production(registered(records, metric="log_loss"), records, gates={})


def test_all_reasons_are_told_at_once() -> None:
    version = ModelVersion(
        id="churn-v1",
        name="churn",
        version=1,
        status=VersionStatus.READY,
        created_at=NOW,
        experiment_id="exp-1",
        split_id="split-1",
        model_type="lightgbm",
        task="binary",
        test=Measure(name="roc_auc", value=0.5),
        maximize=True,
    )

    reasons = promotion.objections(version, version, Gates(min_value=0.8))

    assert len(reasons) == 2


def test_a_race_that_was_foreseen_is_lost_loudly(records: Records) -> None:
    first, second = registered(records), registered(records)
    to_production(first, records)

    with pytest.raises(LostRace, match="production of churn is churn-v1, not churn-v9"):
        to_production(second, records, expected_production="churn-v9")


def test_an_unknown_version_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound):
        to_production("churn-v7", records)


def test_racing_promotions_and_registrations_leave_a_history_that_replays(
    records: Records,
) -> None:
    ids = [registered(records) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        promoted = list(pool.map(lambda model_id: to_production(model_id, records), ids))
        more = list(pool.map(lambda _: registered(records), range(4)))

    head = get_head("churn", records=records)
    assert all(promoted)
    assert len(set(more)) == 4
    assert head.latest_version == 8
    assert replayed(records) == head.model_copy(update={"created_at": NOW})


def test_without_compare_and_set_the_history_would_not_replay(records: Records) -> None:
    registered(records)
    _, [stale, _] = registering("churn", op_id="slow", at=NOW, records=records)
    to_production("churn-v1", records)

    records.replace(records.get("models", "churn"), stale.body)  # type: ignore[union-attr]

    assert get_head("churn", records=records) != replayed(records)


def test_versions_are_listed_by_name_and_by_stage(records: Records) -> None:
    first, second = registered(records), registered(records)
    to_production(first, records)

    everything = list_versions(
        name="churn", stage=None, page_size=10, page_token=None, records=records
    )
    served = list_versions(
        name=None, stage="production", page_size=10, page_token=None, records=records
    )

    assert {one.id for one in everything.values} == {first, second}
    assert [one.id for one in served.values] == [first]
