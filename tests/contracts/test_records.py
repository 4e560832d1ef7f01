"""The promises of `Records`, on every backend."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pytest

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    MlsysError,
    NotFound,
    TooLarge,
)
from mlsys.ports import Create, Delete, Document, Json, Records, Replace, Write

Won = TypeVar("Won")

RACERS = 8

BODIES: dict[str, Json] = {
    "empty": {},
    "nothing": {"a": None},
    "kinds": {"int": 1, "float": 1.0, "yes": True, "no": False, "zero": -0.0},
    "large integers": {"exact": 2**53 + 1, "beyond": 2**64 + 1, "negative": -(2**63) - 1},
    "small floats": {"subnormal": 1e-320, "least": 5e-324, "tenth": 0.1, "most": 1.7e308},
    "nested lists": {"rows": [[1, [2, [3, []]]], [], [None, {}]]},
    "strange keys": {"": 1, "a.b": 2, "a/b": 3, "`": 4, "__name__": 5, "é": 6, "a b": {"": {}}},
    "unicode": {"text": "čaj ☕ 𝄞 \u0000 \u2028", "half": "\ud800"},
    "our own names": {"json": "x", "fields": {"a": 1}, "token": "t", "body": "b", "id": 7},
    "deep": {"a": {"b": {"c": {"d": {"e": [{"f": [1, 2, {"g": None}]}]}}}}},
    "times": {"at": "2026-11-01T00:00:00.123456789Z"},
}


def test_what_was_created_is_read(records: Records) -> None:
    created = records.create("splits", "s1", {"rows": 3})

    read = records.get("splits", "s1")

    assert (read.collection, read.id, read.body) == ("splits", "s1", {"rows": 3})
    assert read.revision == created.revision
    assert read.updated_at == created.updated_at


def test_what_was_replaced_is_read(records: Records) -> None:
    created = records.create("splits", "s1", {"rows": 3, "old": [1]})

    replaced = records.replace(created, {"rows": 4})

    read = records.get("splits", "s1")
    assert read.body == {"rows": 4}
    assert read.revision == replaced.revision


def test_what_was_deleted_is_gone_and_can_be_created_again(records: Records) -> None:
    first = records.create("splits", "s1", {"rows": 3})

    [answer] = records.commit([Delete(first)])
    with pytest.raises(NotFound):
        records.get("splits", "s1")
    again = records.create("splits", "s1", {"rows": 3})

    assert answer is None
    assert again.revision != first.revision
    with pytest.raises(Conflict):
        records.replace(first, {})


def test_a_missing_document_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound, match="splits/none"):
        records.get("splits", "none")


def test_a_second_create_is_refused_and_changes_nothing(records: Records) -> None:
    records.create("splits", "s1", {"rows": 3})

    with pytest.raises(AlreadyExists, match="splits/s1"):
        records.create("splits", "s1", {"rows": 4})

    assert records.get("splits", "s1").body == {"rows": 3}


def test_what_changed_since_it_was_read_is_not_overwritten(records: Records) -> None:
    seen = records.create("heads", "churn", {"version": 1})
    records.replace(seen, {"version": 2})

    with pytest.raises(Conflict, match="heads/churn"):
        records.replace(seen, {"version": 3})
    with pytest.raises(Conflict, match="heads/churn"):
        records.commit([Delete(seen)])

    assert records.get("heads", "churn").body == {"version": 2}


def test_what_went_away_is_not_overwritten(records: Records) -> None:
    seen = records.create("heads", "churn", {"version": 1})
    records.commit([Delete(seen)])

    with pytest.raises(Conflict):
        records.replace(seen, {"version": 2})
    with pytest.raises(Conflict):
        records.commit([Delete(seen)])

    assert records.get_many("heads", ["churn"]) == {}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_comes_back_exactly(records: Records, body: Json) -> None:
    created = records.create("bodies", "b", {"former": 1})
    written = records.replace(created, body)
    records.create("bodies", "c", body)

    read = records.get_many("bodies", ["b", "c"])
    listed = records.query("bodies").documents

    for found in [written, read["b"], read["c"], *listed]:
        assert _typed(found.body) == _typed(body)


def test_a_returned_body_is_a_fresh_copy(records: Records) -> None:
    given: Json = {"tags": ["a"]}
    created = records.create("bodies", "b", given)

    given["tags"].append("b")
    created.body["tags"].append("c")
    records.get("bodies", "b").body["tags"].append("d")

    assert records.get("bodies", "b").body == {"tags": ["a"]}


def test_several_are_read_at_once_without_the_missing(records: Records) -> None:
    for id in ["a", "b", "c"]:
        records.create("splits", id, {"id": id})

    found = records.get_many("splits", ["c", "none", "a", "a"])

    assert {id: document.body for id, document in found.items()} == {
        "a": {"id": "a"},
        "c": {"id": "c"},
    }
    assert records.get_many("splits", []) == {}


def test_a_collection_below_a_document_is_its_own(records: Records) -> None:
    records.create("experiments/e1/trials", "0000000", {"n": 1})
    records.create("experiments/e2/trials", "0000000", {"n": 2})
    records.create("trials", "0000000", {"n": 3})

    bodies = [one.body for one in records.query("experiments/e1/trials").documents]

    assert bodies == [{"n": 1}]
    assert records.get("experiments/e2/trials", "0000000").body == {"n": 2}


@pytest.mark.parametrize("id", ["", "a/b", ".", "..", "__a__", "A", "a" * 65, "é", "a\n"])
def test_an_id_that_could_mean_another_document_is_refused(records: Records, id: str) -> None:
    with pytest.raises(InvalidInput):
        records.create("splits", id, {})
    with pytest.raises(InvalidInput):
        records.get("splits", id)


@pytest.mark.parametrize("collection", ["", "a/b", "a//b", "/a", "a/b/", "a/../b", "A"])
def test_what_is_not_a_collection_is_refused(records: Records, collection: str) -> None:
    with pytest.raises(InvalidInput):
        records.create(collection, "x", {})
    with pytest.raises(InvalidInput):
        records.get(collection, "x")
    with pytest.raises(InvalidInput):
        records.query(collection)


# --- Races -----------------------------------------------------------------------------------


def test_of_racing_creates_exactly_one_wins(records: Records) -> None:
    def create(racer: int) -> int | None:
        try:
            records.create("claims", "work", {"racer": racer})
        except AlreadyExists:
            return None
        return racer

    winners = _race(create)

    assert winners == [records.get("claims", "work").body["racer"]]


def test_of_racing_replaces_exactly_one_wins(records: Records) -> None:
    winners = _racing_replaces(records)

    assert winners == [records.get("heads", "churn").body["racer"]]


def test_the_race_catches_a_store_that_does_not_compare(tmp_path: Path) -> None:
    class Careless(SqliteRecords):
        def replace(self, seen: Document, body: Json) -> Document:
            try:
                return super().replace(self.get(seen.collection, seen.id), body)
            except Conflict:
                return self.replace(seen, body)

    winners = _racing_replaces(Careless(tmp_path / "careless.db"))

    assert len(winners) > 1


def test_counting_with_replace_loses_no_count(records: Records) -> None:
    records.create("counters", "c", {"n": 0})

    def count(_: int) -> bool:
        for _attempt in range(1000):
            seen = records.get("counters", "c")
            try:
                records.replace(seen, {"n": seen.body["n"] + 1})
            except Conflict:
                continue
            return True
        return False

    counted = _race(count)

    assert counted == [True] * RACERS
    assert records.get("counters", "c").body == {"n": RACERS}


# --- Commits ---------------------------------------------------------------------------------


def test_a_commit_does_all_its_writes_and_answers_in_order(records: Records) -> None:
    old, head = records.create("heads", "old", {}), records.create("heads", "head", {"n": 1})

    gone, created, replaced = records.commit(
        [Delete(old), Create("events", "e2", {"n": 2}), Replace(head, {"n": 2})]
    )

    assert gone is None
    assert (created, replaced) == (
        _same_read(records, created),
        _same_read(records, replaced),
    )
    assert [one.id for one in records.query("heads").documents] == ["head"]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("failing", ["create", "replace", "delete"])
def test_a_commit_with_one_refused_write_does_nothing(
    records: Records, failing: str, place: int
) -> None:
    stale = records.create("heads", "a", {"n": 1})
    fresh = records.replace(stale, {"n": 2})
    other = records.create("heads", "b", {"n": 1})
    cases: dict[str, tuple[Write, type[MlsysError]]] = {
        "create": (Create("heads", "a", {}), AlreadyExists),
        "replace": (Replace(stale, {}), Conflict),
        "delete": (Delete(stale), Conflict),
    }
    bad, error = cases[failing]
    writes: list[Write] = [Replace(other, {"n": 2}), Create("events", "e", {})]
    writes.insert(place, bad)

    with pytest.raises(error):
        records.commit(writes)

    assert records.get("heads", "a").revision == fresh.revision
    assert records.get("heads", "b").revision == other.revision
    assert records.get_many("events", ["e"]) == {}


def test_who_saw_one_write_of_a_commit_sees_all(records: Records) -> None:
    ids = [f"part-{n}" for n in range(4)]
    seen = records.commit([Create("parts", id, {"round": 0}) for id in ids])

    def look(number: int) -> tuple[int, int]:
        many = records.get_many("parts", ids).values()
        first = many if number % 2 else records.query("parts").documents
        second = records.get_many("parts", ids).values()
        return max(one.body["round"] for one in first), min(one.body["round"] for one in second)

    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(look, number) for number in range(60)]
        for round in range(1, 20):
            replaced = [Replace(one, {"round": round}) for one in seen if one is not None]
            seen = records.commit(replaced)
        rounds = [one.result() for one in looks]

    assert [(newest, oldest) for newest, oldest in rounds if newest > oldest] == []


def test_a_commit_without_writes_or_with_one_document_twice_is_refused(records: Records) -> None:
    with pytest.raises(InvalidInput):
        records.commit([])
    with pytest.raises(InvalidInput):
        records.commit([Create("a", "x", {}), Create("a", "x", {})])

    assert records.query("a").documents == []


# --- Revisions and times ---------------------------------------------------------------------


def test_a_rewrite_of_an_equal_body_is_a_new_revision(records: Records) -> None:
    first = records.create("leases", "l", {"by": "me"})
    second = records.replace(first, {"by": "me"})
    third = records.replace(second, {"by": "me"})

    assert len({first.revision, second.revision, third.revision}) == 3
    assert first.updated_at < second.updated_at < third.updated_at
    with pytest.raises(Conflict):
        records.replace(first, {"by": "you"})


def test_time_is_the_servers_and_goes_forward(records: Records) -> None:
    first = records.create("leases", "a", {})
    second = records.create("leases", "b", {})
    read = records.get("leases", "a")
    later = records.replace(read, {})

    times = [first.updated_at, second.updated_at, read.read_at, later.read_at]
    assert times == sorted(times)
    assert read.updated_at <= read.read_at
    assert all(time.utcoffset() == timedelta() for time in times)


# --- Sizes -----------------------------------------------------------------------------------


def test_a_body_of_900_000_bytes_is_stored_and_one_more_refused(records: Records) -> None:
    largest = _body_of(900_000)

    stored = records.create("bodies", "b", largest)
    with pytest.raises(TooLarge):
        records.create("bodies", "c", _body_of(900_001))
    with pytest.raises(TooLarge):
        records.replace(stored, _body_of(900_001))

    assert records.get("bodies", "b").body == largest
    assert [one.id for one in records.query("bodies").documents] == ["b"]


def test_a_largest_body_full_of_scalars_is_stored(records: Records) -> None:
    body = {f"name_{n}": "x" * 1_024 for n in range(800)}

    records.create("bodies", "b", body)

    assert records.get("bodies", "b").body == body


def test_a_commit_of_3_5_megabytes_is_stored_and_one_more_refused(records: Records) -> None:
    sizes = [900_000, 900_000, 900_000, 800_000]
    writes = [Create("bodies", f"b{n}", _body_of(size)) for n, size in enumerate(sizes)]
    one_more = [*writes[:3], Create("bodies", "b3", _body_of(800_001))]

    with pytest.raises(TooLarge):
        records.commit(one_more)
    assert records.query("bodies").documents == []

    records.commit(writes)
    assert len(records.get_many("bodies", ["b0", "b1", "b2", "b3"])) == 4


def test_a_commit_of_400_writes_is_done_and_one_more_refused(records: Records) -> None:
    writes = [Create("events", f"{n:07d}", {"n": n}) for n in range(401)]

    with pytest.raises(TooLarge):
        records.commit(writes)
    assert records.query("events").documents == []

    records.commit(writes[:400])
    assert len(records.query("events", limit=500).documents) == 400


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": [float("inf")]}, {"a": 10**5000}])
def test_what_is_not_json_is_refused(records: Records, body: Json) -> None:
    with pytest.raises(InvalidInput):
        records.create("bodies", "b", body)


def _race(run: Callable[[int], Won | None]) -> list[Won]:
    """Let eight racers start together; return what the winners answered."""
    start = Barrier(RACERS)

    def racer(number: int) -> Won | None:
        start.wait(timeout=30)
        return run(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return [won for won in pool.map(racer, range(RACERS)) if won is not None]


def _racing_replaces(records: Records) -> list[int]:
    seen = records.create("heads", "churn", {"racer": None})

    def replace_head(racer: int) -> int | None:
        try:
            records.replace(seen, {"racer": racer})
        except Conflict:
            return None
        return racer

    return _race(replace_head)


def _same_read(records: Records, written: Document | None) -> Document:
    """Read a document that a write answered with, as of that write's time."""
    assert written is not None
    return replace(records.get(written.collection, written.id), read_at=written.read_at)


def _typed(value: Any) -> Any:
    """Tell 1, 1.0 and True apart, which compare as equal."""
    if isinstance(value, dict):
        return {key: _typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    return type(value), repr(value)


def _body_of(size_bytes: int) -> Json:
    return {"text": ["x" * (size_bytes - len('{"text":[""]}'))]}
