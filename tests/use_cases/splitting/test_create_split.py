"""Asked for rows or an address, a split is made once, whoever dies or comes too late."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from mlsys.domain.errors import Busy, Unavailable
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.create_split import CreateSplit, create_split
from mlsys.use_cases.split import split_table
from mlsys.use_cases.splitting.claims import claim
from mlsys.use_cases.splitting.request import SplitRequest
from tests.use_cases.splitting.asked_splits import ROWS, call, create, error_of, ready
from tests.use_cases.splitting.uploads import csv_rows

HUGE = 2**53 + 1


def parts(split: Split, runtime: Runtime) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(io.BytesIO(runtime.objects.read(file.uri))) for file in split.files.values()
    )


def listed(runtime: Runtime) -> list[Split]:
    return SPLITS.list(records=runtime.records).values


def by_hand(runtime: Runtime, split: Callable[[SplitRequest], Split], **fields: Any) -> Split:
    return create_split(
        CreateSplit.model_validate({"entity_id": "churn", "inline_data": ROWS, **fields}),
        split=split,
        objects=runtime.objects,
        records=runtime.records,
        artifacts_bucket="artifacts",
        source_buckets=["uploads"],
    )


def splitting(runtime: Runtime, *, lease_seconds: float = 60) -> Callable[[SplitRequest], Split]:
    def split(request: SplitRequest) -> Split:
        workshop = replace(runtime.workshop({}), lease_seconds=lease_seconds)
        return split_table(request, workshop=workshop)

    return split


def begun(runtime: Runtime, request: SplitRequest) -> None:
    """Begin it, and die."""
    claim(
        request.record(request.sources, now=runtime.now(), request_id=""),
        records=runtime.records,
        lease_seconds=60,
        now=runtime.now,
    )


def dies(runtime: Runtime) -> Callable[[SplitRequest], Split]:
    def split(request: SplitRequest) -> Split:
        begun(runtime, request)
        raise Unavailable("the process ends")

    return split


def test_rows_in_the_request_are_stored_and_split(runtime: Runtime) -> None:
    split = ready(
        runtime,
        split_strategy="stratified",
        split_params={"seed": 7, "target_column": "y"},
        labels={"team": "growth"},
        description="by hand",
    )

    assert split.source_uri.startswith("gs://artifacts/inline/churn/")
    assert (split.strategy, split.seed, split.target_column) == ("stratified", 7, "y")
    assert (split.labels, split.description) == ({"team": "growth"}, "by hand")
    assert sorted(parts(split, runtime)["id"]) == list(range(60))
    stored = runtime.objects.read(split.source_uri).decode().splitlines()
    assert [json.loads(line) for line in stored] == ROWS


def test_numbers_are_stored_with_the_digits_they_were_sent_with(runtime: Runtime) -> None:
    rows = ",".join(f'{{"price": 1.10, "big": {HUGE + n}, "code": "00{n}"}}' for n in range(40))
    body = f'{{"entity_id": "churn", "inline_data": [{rows}]}}'.encode()

    answer = call(runtime, "POST", "/v1/splits", body)

    split = Split.model_validate_json(answer.body)
    first = runtime.objects.read(split.source_uri).splitlines()[0]
    assert first == f'{{"price":1.10,"big":{HUGE},"code":"000"}}'.encode()
    table = parts(split, runtime).sort("big")
    assert table["big"].to_list() == [HUGE + n for n in range(40)]
    assert table["code"][7] == "007"


def test_an_object_is_split(runtime: Runtime) -> None:
    stored = runtime.objects.put("gs://uploads/churn/rows.csv", csv_rows())

    split = ready(runtime, data_uri="gs://uploads/churn/rows.csv")

    assert (split.source_uri, split.source_generation) == (stored.uri, stored.generation)
    assert sum(split.rows.values()) == 60


def test_a_folder_is_one_dataset_without_what_is_hidden(runtime: Runtime) -> None:
    names = ["b.csv", "a.csv", "_SUCCESS", ".hidden.csv", "dataset.json", "_temporary/0/c.csv"]
    for name in names:
        runtime.objects.put(f"gs://uploads/churn/batch/{name}", csv_rows())
    seen: list[SplitRequest] = []

    def split(request: SplitRequest) -> Split:
        seen.append(request)
        return request.record(request.sources, now=runtime.now(), request_id="")

    by_hand(runtime, split, inline_data=None, data_uri="gs://uploads/churn/batch/")

    [request] = seen
    assert request.source_uri == "gs://uploads/churn/batch/"
    assert [one.uri.rpartition("/")[2] for one in request.sources] == ["a.csv", "b.csv"]
    assert request.source_generation.startswith("objects-")


def test_another_bucket_may_be_allowed(runtime: Runtime) -> None:
    allowed = Settings(home=runtime.settings.home, source_buckets="lake, other")
    runtime.objects.put("gs://lake/rows.csv", csv_rows())

    assert ready(Runtime(allowed), data_uri="gs://lake/rows.csv").source_uri == "gs://lake/rows.csv"


def test_the_same_request_is_the_same_split(runtime: Runtime) -> None:
    first = ready(runtime)

    assert ready(runtime) == first
    assert ready(runtime, labels={"a": "b"}).id != first.id
    assert ready(runtime, inline_data=ROWS[:-1]).id != first.id
    assert len(listed(runtime)) == 3


def test_a_second_generation_is_another_split(runtime: Runtime) -> None:
    uri = "gs://uploads/churn/rows.csv"
    runtime.objects.put(uri, csv_rows())
    first = ready(runtime, data_uri=uri)
    runtime.objects.put(uri, csv_rows(61))

    assert ready(runtime, data_uri=uri).id != first.id


def test_a_request_id_stands_for_one_request(runtime: Runtime) -> None:
    uri = "gs://uploads/churn/rows.csv"
    runtime.objects.put(uri, csv_rows())
    first = ready(runtime, data_uri=uri, request_id="r-1")
    runtime.objects.delete(uri)

    other = {
        "entity_id": "churn",
        "data_uri": uri,
        "request_id": "r-1",
        "split_params": {"seed": 1},
    }
    answer = call(runtime, "POST", "/v1/splits", other)

    assert ready(runtime, data_uri=uri, request_id="r-1") == first
    assert (answer.status, error_of(answer)["status"]) == (409, "ALREADY_EXISTS")
    assert ready(runtime, request_id="r-2").id != ready(runtime, request_id="r-3").id


def test_digits_make_a_request_another(runtime: Runtime) -> None:
    ready(runtime, request_id="r-1", inline_data=[{"x": 1.5}] * 20)
    body = {"entity_id": "churn", "inline_data": [{"x": 1.5}] * 20, "request_id": "r-1"}

    answer = call(runtime, "POST", "/v1/splits", json.dumps(body).replace("1.5", "1.50").encode())

    assert answer.status == 409


def test_what_another_attempt_is_at_is_answered_as_running(runtime: Runtime) -> None:
    def busy(request: SplitRequest) -> Split:
        begun(runtime, request)
        raise Busy("another attempt is at it")

    assert by_hand(runtime, busy).status is SplitStatus.RUNNING
    assert create(runtime).status is SplitStatus.RUNNING


@pytest.mark.parametrize("fields", [{}, {"request_id": "r-1"}])
def test_what_died_is_gone_on_with(runtime: Runtime, fields: dict[str, str]) -> None:
    with pytest.raises(Unavailable):
        by_hand(runtime, dies(runtime), **fields)

    split = by_hand(runtime, splitting(runtime, lease_seconds=0), **fields)

    assert (split.status, split.attempt.number) == (SplitStatus.READY, 2)
    assert listed(runtime) == [split]


@pytest.mark.parametrize("content", [None, csv_rows(61)])
def test_a_source_that_was_replaced_before_it_was_split_fails(
    runtime: Runtime, content: bytes | None
) -> None:
    uri = "gs://uploads/churn/rows.csv"
    fields = {"inline_data": None, "data_uri": uri, "request_id": "r-1"}
    runtime.objects.put(uri, csv_rows())
    with pytest.raises(Unavailable):
        by_hand(runtime, dies(runtime), **fields)

    runtime.objects.delete(uri)
    if content is not None:
        runtime.objects.put(uri, content)
    split = by_hand(runtime, splitting(runtime, lease_seconds=0), **fields)

    assert split.status is SplitStatus.FAILED
    assert split.failure is not None
    assert split.failure.code == "not_found"


@pytest.mark.parametrize("fields", [{}, {"request_id": "r-1"}])
def test_what_was_deleted_does_not_come_back_by_itself(
    runtime: Runtime, fields: dict[str, str]
) -> None:
    split = ready(runtime, **fields)
    call(runtime, "DELETE", f"/v1/splits/{split.id}")

    answer = call(
        runtime, "POST", "/v1/splits", {"entity_id": "churn", "inline_data": ROWS, **fields}
    )

    assert answer.status == 409
    assert "undelete" in error_of(answer)["message"]
    assert ready(runtime, request_id="new").id != split.id


def test_a_table_that_cannot_be_split_is_answered_as_failed(runtime: Runtime) -> None:
    split = create(runtime, inline_data=ROWS[:2])

    assert split.status is SplitStatus.FAILED
    assert split.failure is not None


def test_a_broken_contract_is_answered_as_quarantined(runtime: Runtime) -> None:
    split = create(runtime, contract={"columns": {"x": {"type": "date"}}})

    assert split.status is SplitStatus.QUARANTINED
