"""`Records` when a commit is applied and its acknowledgement is lost on the way.

Only Firestore is far enough for that; tests/faults has what can happen to SQLite instead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mlsys.domain.errors import AlreadyExists
from mlsys.ports import Create, Delete, Document, Records, Replace

pytestmark = pytest.mark.emulator


class Losing:
    """A store whose next commit ends in an error, although it was applied, or before it was."""

    def __init__(self) -> None:
        self.lost = 0
        self.records: Records
        self._armed = False
        self._applied = True
        self._then: Callable[[], object] = lambda: None

    def next_commit(
        self, *, applied: bool = True, then: Callable[[], object] = lambda: None
    ) -> None:
        """Lose the next commit's acknowledgement, or else the commit; first do `then`."""
        self._armed, self._applied, self._then = True, applied, then

    @contextmanager
    def around_commit(self, error: Exception) -> Iterator[bool]:
        """Wrap a commit; yield whether to apply it."""
        armed, self._armed = self._armed, False
        yield self._applied or not armed
        if armed:
            self.lost += 1
            self._then()
            raise error


@pytest.fixture
def losing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Losing:
    """A store that can lose acknowledgements."""
    from mlsys.adapters.gcp.records import FirestoreRecords

    losing = Losing()
    _lose_in_grpc(losing, monkeypatch)
    losing.records = FirestoreRecords(request.getfixturevalue("firestore_client"))
    return losing


def test_a_create_whose_acknowledgement_was_lost_succeeds(losing: Losing) -> None:
    losing.next_commit()

    created = losing.records.create("claims", "work", {"by": "me"})

    assert losing.lost == 1
    assert created == _same_read(losing.records, created)
    assert losing.records.replace(created, {"by": "you"}).body == {"by": "you"}


def test_a_replace_whose_acknowledgement_was_lost_succeeds(losing: Losing) -> None:
    seen = losing.records.create("heads", "churn", {"n": 1})
    losing.next_commit()

    replaced = losing.records.replace(seen, {"n": 1})

    assert losing.lost == 1
    assert replaced == _same_read(losing.records, replaced)
    assert replaced.updated_at > seen.updated_at


def test_a_delete_whose_acknowledgement_was_lost_succeeds(losing: Losing) -> None:
    seen = losing.records.create("heads", "churn", {"n": 1})
    losing.next_commit()

    answer = losing.records.commit([Delete(seen)])

    assert losing.lost == 1
    assert answer == [None]
    assert losing.records.get_many("heads", ["churn"]) == {}


def test_a_commit_whose_acknowledgement_was_lost_is_known_by_one_of_its_documents(
    losing: Losing,
) -> None:
    head = losing.records.create("heads", "churn", {"n": 1})
    old = losing.records.create("heads", "old", {})

    def overtake() -> None:
        losing.records.replace(losing.records.get("heads", "churn"), {"n": 3})

    losing.next_commit(then=overtake)
    _, created, gone = losing.records.commit(
        [Replace(head, {"n": 2}), Create("events", "e2", {"n": 2}), Delete(old)]
    )

    assert losing.lost == 1
    assert created == _same_read(losing.records, created)
    assert gone is None
    assert losing.records.get("heads", "churn").body == {"n": 3}


def test_a_refusal_is_not_mistaken_for_a_lost_acknowledgement(losing: Losing) -> None:
    seen = losing.records.create("claims", "work", {"by": "them"})
    stale = losing.records.create("heads", "churn", {"n": 1})
    losing.records.replace(stale, {"n": 2})

    losing.next_commit(applied=False)
    with pytest.raises(AlreadyExists):
        losing.records.create("claims", "work", {"by": "me"})

    assert losing.records.get("claims", "work").revision == seen.revision


def _lose_in_grpc(losing: Losing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail in the transport, below everything of Google's client that retries."""
    import grpc

    class Lost(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAVAILABLE

        def trailing_metadata(self) -> None:
            return None

        def details(self) -> str:
            return "the connection broke"

        def result(self) -> None:
            raise self

    class LosesAcknowledgements(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation: Any, call: Any, request: Any) -> Any:
            if not call.method.endswith("/Commit"):
                return continuation(call, request)
            with losing.around_commit(Lost()) as applied:
                answer = continuation(call, request) if applied else None
                if answer is not None:
                    answer.result()
            return answer

    connect = grpc.insecure_channel

    def losing_channel(*args: Any, **options: Any) -> grpc.Channel:
        return grpc.intercept_channel(connect(*args, **options), LosesAcknowledgements())

    monkeypatch.setattr(grpc, "insecure_channel", losing_channel)


def _same_read(records: Records, written: Document | None) -> Document:
    """Read a document that a write answered with, as of that write's time."""
    assert written is not None
    return replace(records.get(written.collection, written.id), read_at=written.read_at)
