"""A split that is deleted is hidden, and no experiment that was launched ever loses its split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import InvalidInput, Refused
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.places import quarantine_folder
from mlsys.domain.split_records import Split
from mlsys.ports import Delete, Document, Page, Write
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import check_request, requested
from mlsys.use_cases.splits import delete_split
from tests.use_cases.conftest import NOW, asked_for, request_of
from tests.use_cases.splitting.asked_splits import begun, call, changed, error_of, path, ready

# What a delete asks of the records: the split, the experiments by three states, the mark (read and
# write), the experiments again; and with its files a last change.
MARK = 5
SECOND_LOOK = 6
LAST_CHANGE = 9
CALLS_OF_A_DELETE = 11


class Killed(BaseException):
    """The process ends here: nothing catches this."""


class MortalObjects(FileObjects):
    """Dies at its first delete."""

    def delete(self, uri: str) -> None:
        raise Killed(uri)


class Interleaved(SqliteRecords):
    """Lets other things happen before its n-th call, counted from 0."""

    def __init__(
        self, runtime: Runtime, meanwhile: Mapping[int, Sequence[Callable[[], object]]]
    ) -> None:
        super().__init__(runtime.settings.home / "records.db")
        self.calls = 0
        self._meanwhile = meanwhile

    def let_happen(self, number: int) -> None:
        for step in self._meanwhile.get(number, ()):
            step()

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        self._pass()
        return super().get_many(collection, ids)

    def query(self, collection: str, **how: Any) -> Page:
        self._pass()
        return super().query(collection, **how)

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        self._pass()
        return super().commit(writes)

    def _pass(self) -> None:
        number, self.calls = self.calls, self.calls + 1
        self.let_happen(number)


class OneLook(Interleaved):
    """Sees no experiment at the second look."""

    def query(self, collection: str, **how: Any) -> Page:
        page = super().query(collection, **how)
        return page if self.calls <= SECOND_LOOK else Page([], None)


def stored(runtime: Runtime) -> list[str]:
    return [one.uri for one in runtime.objects.list("gs://artifacts/")]


def ended(runtime: Runtime, status: ExperimentStatus) -> None:
    """Let the only experiment end."""
    [experiment] = EXPERIMENTS.list(records=runtime.records).values
    EXPERIMENTS.change(
        experiment.id,
        lambda seen: seen.model_copy(update={"status": status}),
        records=runtime.records,
    )


def deleted(split: Split, runtime: Runtime, records: SqliteRecords, **fields: Any) -> Split:
    return delete_split(
        split.id,
        **{
            "delete_artifacts": False,
            "objects": runtime.objects,
            "artifacts_bucket": "artifacts",
            "now": NOW,
            **fields,
        },
        records=records,
    )


@dataclass
class Meeting:
    """A delete, and an experiment that is recorded and launched before some of its calls."""

    split: Split
    runtime: Runtime
    told: dict[str, str] = field(default_factory=dict)

    def happen(
        self, kind: type[Interleaved], recorded: int, launched: int, **query: bool
    ) -> dict[str, str]:
        """Return what became of both, whatever of the experiment is left being done afterwards."""
        steps: dict[int, list[Callable[[], object]]] = {}
        steps.setdefault(recorded, []).append(lambda: asked_for(self.split, self.runtime))
        steps.setdefault(launched, []).append(self._launch)
        records = kind(self.runtime, steps)
        try:
            deleted(self.split, self.runtime, records, **query)
        except Refused:
            self.told["delete"] = "refused"
        else:
            self.told["delete"] = "done"
        for late in range(records.calls, CALLS_OF_A_DELETE + 1):
            records.let_happen(late)
        return self.told

    def _launch(self) -> None:
        try:
            check_request(request_of(self.split), records=self.runtime.records)
        except InvalidInput:
            self.told["experiment"] = "failed"
            ended(self.runtime, ExperimentStatus.FAILED)
        else:
            self.told["experiment"] = "launched"

    def undo(self) -> None:
        """Let it be as if nothing had happened."""
        records = self.runtime.records
        seen = EXPERIMENTS.get(requested(request_of(self.split), now=NOW).id, records=records)
        records.commit([Delete(seen.document)])
        SPLITS.change(self.split.id, lambda _: self.split, records=records)


def test_a_deleted_split_is_kept_and_comes_back(runtime: Runtime) -> None:
    split = ready(runtime)
    files = stored(runtime)

    gone = changed(runtime, "DELETE", path(split))
    again = changed(runtime, "DELETE", path(split))
    back = changed(runtime, "POST", f"{path(split)}/undelete")

    assert gone.deleted
    assert gone.deleted_at is not None
    assert again == gone
    assert stored(runtime) == files
    assert (back.deleted, back.deleted_at) == (False, None)
    assert changed(runtime, "POST", f"{path(split)}/undelete") == back


def test_its_files_go_on_request_and_do_not_come_back(runtime: Runtime) -> None:
    kept, split = ready(runtime, request_id="a"), ready(runtime, request_id="b")
    runtime.objects.put(f"{quarantine_folder(split, 'artifacts')}rows.parquet", b"bad rows")

    gone = changed(runtime, "DELETE", path(split), delete_artifacts="true")

    assert gone.artifacts_deleted
    assert not [uri for uri in stored(runtime) if split.id in uri]
    assert [uri for uri in stored(runtime) if kept.id in uri]
    assert runtime.objects.stat(split.source_uri)
    assert changed(runtime, "DELETE", path(split), delete_artifacts="true") == gone
    answer = call(runtime, "POST", f"{path(split)}/undelete")
    assert answer.status == 412
    assert "files were deleted" in error_of(answer)["message"]


def test_the_files_of_a_deleted_split_can_go_later(runtime: Runtime) -> None:
    split = ready(runtime)
    gone = changed(runtime, "DELETE", path(split))

    emptied = changed(runtime, "DELETE", path(split), delete_artifacts="true")

    assert emptied.deleted_at == gone.deleted_at
    assert emptied.artifacts_deleted


def test_a_delete_that_died_is_gone_on_with(runtime: Runtime) -> None:
    split = ready(runtime)
    records = SqliteRecords(runtime.settings.home / "records.db")
    mortal = MortalObjects(runtime.settings.home)

    with pytest.raises(Killed):
        deleted(split, runtime, records, delete_artifacts=True, objects=mortal)
    assert changed(runtime, "GET", path(split)).artifacts_deleted
    changed(runtime, "DELETE", path(split), delete_artifacts="true")

    assert not [uri for uri in stored(runtime) if split.id in uri]


@pytest.mark.parametrize("query", [{}, {"delete_artifacts": "true"}])
def test_what_is_still_being_made_is_not_deleted(runtime: Runtime, query: dict[str, str]) -> None:
    split, _ = begun(runtime)

    answer = call(runtime, "DELETE", path(split), query=query)

    assert answer.status == 412
    assert "RUNNING" in error_of(answer)["message"]


@pytest.mark.parametrize("query", [{}, {"delete_artifacts": "true"}])
@pytest.mark.parametrize("status", [one for one in ExperimentStatus if not one.final])
def test_what_an_experiment_uses_is_not_deleted(
    ready_split: Split, runtime: Runtime, query: dict[str, str], status: ExperimentStatus
) -> None:
    experiment = asked_for(ready_split, runtime)
    ended(runtime, status)

    answer = call(runtime, "DELETE", path(ready_split), query=query)

    assert answer.status == 412
    [detail] = error_of(answer)["details"]
    [reason] = [one["description"] for one in detail["violations"]]
    assert reason == f"experiment {experiment.id} is {status}"
    assert changed(runtime, "GET", path(ready_split)) == ready_split
    ended(runtime, ExperimentStatus.SUCCEEDED)
    assert changed(runtime, "DELETE", path(ready_split), **query).deleted


def test_nothing_is_learnt_from_a_deleted_split(ready_split: Split, runtime: Runtime) -> None:
    changed(runtime, "DELETE", path(ready_split))

    with pytest.raises(InvalidInput, match="deleted: undelete it"):
        check_request(request_of(ready_split), records=runtime.records)


@pytest.mark.parametrize("query", [{}, {"delete_artifacts": True}])
def test_a_launched_experiment_keeps_its_split_whenever_it_came(
    ready_split: Split, runtime: Runtime, query: dict[str, bool]
) -> None:
    moments = range(CALLS_OF_A_DELETE + 1)

    met = []
    for recorded in moments:
        for launched in moments[recorded:]:
            meeting = Meeting(ready_split, runtime)
            met.append(meeting.happen(Interleaved, recorded, launched, **query))
            meeting.undo()

    assert {"delete": "refused", "experiment": "launched"} in met
    assert {"delete": "done", "experiment": "failed"} in met
    assert {"delete": "done", "experiment": "launched"} not in met


def test_with_a_single_look_an_experiment_would_lose_its_split(
    ready_split: Split, runtime: Runtime
) -> None:
    lost = Meeting(ready_split, runtime).happen(OneLook, MARK, MARK)

    assert lost == {"delete": "done", "experiment": "launched"}


def test_the_mark_of_another_delete_is_not_taken_back(ready_split: Split, runtime: Runtime) -> None:
    def meanwhile() -> None:
        changed(runtime, "DELETE", path(ready_split))
        asked_for(ready_split, runtime)

    with pytest.raises(Refused):
        deleted(ready_split, runtime, Interleaved(runtime, {MARK: [meanwhile]}))

    assert changed(runtime, "GET", path(ready_split)).deleted


def test_what_is_undeleted_while_its_files_are_to_go_keeps_them(
    ready_split: Split, runtime: Runtime
) -> None:
    changed(runtime, "DELETE", path(ready_split))
    records = Interleaved(
        runtime,
        {LAST_CHANGE: [lambda: changed(runtime, "POST", f"{path(ready_split)}/undelete")]},
    )

    with pytest.raises(Refused, match="undeleted meanwhile"):
        deleted(ready_split, runtime, records, delete_artifacts=True)

    assert [uri for uri in stored(runtime) if ready_split.id in uri]
    assert not changed(runtime, "GET", path(ready_split)).deleted
