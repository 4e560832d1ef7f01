"""A ready split asks for its experiment exactly once, wherever the process dies.

The last test takes the protection away, and the same count must find that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from mlsys.adapters.local.messages import SqliteMessages
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.split_records import Split
from mlsys.ports import Document, Json, Write
from mlsys.runtime import Runtime
from tests.use_cases.launches import started
from tests.use_cases.wishes import experiments, followed, launched, wish

WRITES = 3


class Killed(BaseException):
    """The process ends here: nothing catches this."""


@dataclass
class Fuse:
    """Burns down by one at each write; at its end the process dies before it, or after it."""

    left: int
    after: bool

    def burn(self) -> bool:
        """Say whether to die after this write."""
        self.left -= 1
        if self.left == -1 and not self.after:
            raise Killed
        return self.left == -1


class FusedRecords(SqliteRecords):
    """Burns at each commit."""

    fuse: Fuse

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        dies = self.fuse.burn()
        written = super().commit(writes)
        if dies:
            raise Killed
        return written


class FusedMessages(SqliteMessages):
    """Burns at each message."""

    fuse: Fuse

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        dies = self.fuse.burn()
        published = super().publish(topic, body, attributes=attributes)
        if dies:
            raise Killed
        return published


class NamelessMessages(SqliteMessages):
    """Loses the request id: what publishing without one comes to."""

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        nameless = {name: value for name, value in body.items() if name != "request_id"}
        return super().publish(topic, nameless, attributes=attributes)


@pytest.fixture
def wishing(ready_split: Split, runtime: Runtime) -> Split:
    """A ready split whose dataset.json asks for an experiment."""
    return wish(ready_split, runtime)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("writes", range(WRITES))
def test_killed_at_any_write_it_is_one_experiment_after_the_next_delivery(
    runtime: Runtime, wishing: Split, *, writes: int, after: bool
) -> None:
    records = FusedRecords(runtime.settings.home / "records.db")
    messages = FusedMessages(runtime.settings.home / "messages.db")
    records.fuse = messages.fuse = Fuse(writes, after)

    with pytest.raises(Killed):
        followed(runtime, wishing, records=records, messages=messages)
    noted = followed(runtime, wishing)

    assert launched(runtime) == 1
    assert noted.experiment_id == experiments(runtime)[0].id
    assert len(started(runtime)) == 1


def test_it_writes_no_more_than_that(runtime: Runtime, wishing: Split) -> None:
    records = FusedRecords(runtime.settings.home / "records.db")
    messages = FusedMessages(runtime.settings.home / "messages.db")
    records.fuse = messages.fuse = Fuse(WRITES, after=False)

    followed(runtime, wishing, records=records, messages=messages)

    assert records.fuse.left == 0


def test_launched_before_it_was_noted_it_is_one_experiment(
    runtime: Runtime, wishing: Split
) -> None:
    records = FusedRecords(runtime.settings.home / "records.db")
    records.fuse = Fuse(0, after=False)
    with pytest.raises(Killed):
        followed(runtime, wishing, records=records)
    assert launched(runtime) == 1

    noted = followed(runtime, wishing)

    assert launched(runtime) == 1
    assert noted.experiment_id == experiments(runtime)[0].id


def test_without_its_request_id_it_would_be_several(runtime: Runtime, wishing: Split) -> None:
    messages = NamelessMessages(runtime.settings.home / "messages.db")

    followed(runtime, wishing, messages=messages)

    assert launched(runtime) > 1
