"""Splits are listed and described, whatever else happens to them meanwhile."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Conflict
from mlsys.domain.split_records import SplitStatus
from mlsys.ports import Document, Json
from mlsys.runtime import Runtime
from mlsys.use_cases.splits import UpdateSplit, update_split
from tests.use_cases.conftest import NOW
from tests.use_cases.splitting.asked_splits import begun, call, changed, path, ready, violations


class AlwaysLate(SqliteRecords):
    """Others are always quicker."""

    def replace(self, seen: Document, body: Json) -> Document:
        assert body
        raise Conflict(f"{seen.id} changed")


def listed(runtime: Runtime, **query: str) -> list[str]:
    answer = call(runtime, "GET", "/v1/splits", query=query)
    assert answer.status == 200, answer.body
    return [one["id"] for one in json.loads(answer.body)["items"]]


def test_the_latest_ready_split_of_a_dataset_is_a_query(runtime: Runtime) -> None:
    first = ready(runtime, request_id="a")
    last = ready(runtime, request_id="b")
    ready(runtime, request_id="c", entity_id="other")
    call(runtime, "POST", "/v1/splits", {"entity_id": "churn", "inline_data": [{"a": 1}]})
    newest = {"entity_id": "churn", "status": "READY", "page_size": "1"}

    assert listed(runtime, **newest) == [last.id]
    changed(runtime, "DELETE", path(last))
    assert listed(runtime, **newest) == [first.id]


def test_deleted_splits_are_listed_only_if_asked_for(runtime: Runtime) -> None:
    kept, gone = ready(runtime, request_id="a"), ready(runtime, request_id="b")
    changed(runtime, "DELETE", path(gone))

    assert listed(runtime) == [kept.id]
    assert listed(runtime, show_deleted="true") == [gone.id, kept.id]
    assert changed(runtime, "GET", path(gone)).deleted


@pytest.mark.parametrize(
    "query", [{"show_deleted": "perhaps"}, {"status": "DONE"}, {"label": "a"}, {"page_size": "0"}]
)
def test_a_list_that_nobody_can_give_is_refused(runtime: Runtime, query: dict[str, str]) -> None:
    assert call(runtime, "GET", "/v1/splits", query=query).status == 400


def test_a_patch_changes_what_it_names(runtime: Runtime) -> None:
    split = ready(runtime, labels={"team": "growth", "stage": "trial"}, description="first")

    labelled = changed(runtime, "PATCH", path(split), {"labels": {"stage": None, "owner": "anna"}})
    described = changed(runtime, "PATCH", path(split), {"description": "second"})
    cleared = changed(runtime, "PATCH", path(split), {"labels": None, "description": None})

    assert labelled.labels == {"team": "growth", "owner": "anna"}
    assert (labelled.description, described.description) == ("first", "second")
    assert described.labels == labelled.labels
    assert described.updated_at > split.updated_at
    assert (cleared.labels, cleared.description) == ({}, "")
    assert changed(runtime, "PATCH", path(split), {}) == cleared


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"labels": {"Team": "a"}}, "labels.Team.[key]"),
        ({"labels": {"team": 3}}, "labels.team"),
        ({"labels": {"team": "a" * 64}}, "labels.team"),
        ({"labels": ["team"]}, "labels"),
        ({"description": "a" * 2001}, "description"),
        ({"description": 3}, "description"),
        ({"status": "READY"}, "status"),
        ({"labels": {f"l{n}": "" for n in range(64)}}, "labels"),
    ],
)
def test_a_patch_that_cannot_be_is_refused(
    runtime: Runtime, body: dict[str, Any], place: str
) -> None:
    split = ready(runtime, labels={"team": "growth"})

    answer = call(runtime, "PATCH", path(split), body)

    assert answer.status == 400
    assert violations(answer).keys() == {place}
    assert changed(runtime, "GET", path(split)) == split


def test_sixty_four_labels_fit(runtime: Runtime) -> None:
    labels = {f"l{n}": "v" * 63 for n in range(64)}

    assert changed(runtime, "PATCH", path(ready(runtime)), {"labels": labels}).labels == labels


def test_of_many_labels_at_once_none_is_lost(runtime: Runtime) -> None:
    split = ready(runtime)

    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: changed(runtime, "PATCH", path(split), {"labels": {f"l{n}": str(n)}}),
                range(8),
            )
        )

    assert len(changed(runtime, "GET", path(split)).labels) == 8


def test_whoever_is_always_late_gives_up(runtime: Runtime) -> None:
    split = ready(runtime)
    late = AlwaysLate(runtime.settings.home / "records.db")

    with pytest.raises(Conflict):
        update_split(split.id, UpdateSplit(description="late"), records=late, now=NOW)


def test_a_label_does_not_take_the_work_from_who_is_at_it(runtime: Runtime) -> None:
    split, claimed = begun(runtime)
    changed(runtime, "PATCH", path(split), {"labels": {"team": "growth"}})

    done = claimed.note(status=SplitStatus.FAILED)

    assert (done.labels, done.status) == ({"team": "growth"}, SplitStatus.FAILED)
    assert changed(runtime, "GET", path(split)) == done


@pytest.mark.parametrize(
    "where", ["/v1/splits/split-none", "/v1/splits/split-none/undelete", "/v1/splits/Split"]
)
def test_what_is_not_there_cannot_be_changed(runtime: Runtime, where: str) -> None:
    status = 400 if where.endswith("Split") else 404

    if where.endswith("undelete"):
        assert call(runtime, "POST", where).status == status
        return
    assert call(runtime, "GET", where).status == status
    assert call(runtime, "PATCH", where, {"description": ""}).status == status
    assert call(runtime, "DELETE", where).status == status
