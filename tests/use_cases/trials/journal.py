"""Who wrote what while a study was played, and what was wrong with that."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mlsys.ports import Document, Json
from mlsys.use_cases.trials.documents import MAX_ATTEMPTS

UNFINISHED = {"RUNNING", "WAITING"}


@dataclass(frozen=True)
class Entry:
    """One document as a process wrote it, at a time of the stage."""

    process: int
    collection: str
    id: str
    body: Json
    seconds: float


@dataclass
class Journal:
    """What processes wrote, in order, and which trials they counted as theirs."""

    lease_seconds: float
    entries: list[Entry] = field(default_factory=list)
    counted: list[tuple[int, int]] = field(default_factory=list)
    died: set[int] = field(default_factory=set)

    def note(self, process: int, written: Sequence[Document | None], seconds: float) -> None:
        """Note what one commit wrote."""
        self.entries += [
            Entry(process, one.collection, one.id, one.body, seconds)
            for one in written
            if one is not None
        ]

    def count(self, process: int, number: int) -> None:
        """Note that a process counts a trial among those that it finished."""
        self.counted.append((number, process))

    def violations(self, experiment_id: str, *, trials: int) -> list[str]:
        """Return what is wrong with a study of so many trials that has ended."""
        home = f"experiments/{experiment_id}"
        histories: dict[str, list[Entry]] = {}
        leases, ends = [], []
        for entry in self.entries:
            if entry.collection == f"{home}/trials":
                histories.setdefault(entry.id, []).append(entry)
            elif entry.collection == f"{home}/leases":
                leases.append(entry)
            elif entry.id == experiment_id:
                ends.append(entry)
        found = [wrong for _, one in sorted(histories.items()) for wrong in self._of_trial(one)]
        last = {int(id): one[-1].body for id, one in histories.items()}
        found += self._of_study(last, trials, ends)
        return found + list(self._of_leases(leases, ends))

    def _of_study(self, last: dict[int, Json], trials: int, ends: list[Entry]) -> Iterator[str]:
        if sorted(last) != list(range(trials)):
            yield f"numbers: {sorted(last)}"
        states = dict(sorted(Counter(body["state"] for body in last.values()).items()))
        if UNFINISHED & set(states):
            yield f"unfinished: {states}"
        finals = [one for one in ends if one.body["status"] == "SUCCEEDED"]
        if len(finals) != 1 or finals[0] is not ends[-1]:
            yield f"ended {len(finals)} times"
        elif finals[0].body["trials"] != states:
            yield f"miscounted: {finals[0].body['trials']}, there are {states}"

    def _of_trial(self, history: list[Entry]) -> Iterator[str]:
        """Hold each write of a trial against the one before, and its end against who counted it."""
        number = history[0].body["number"]
        owners: dict[str, int] = {}
        for before, entry in zip([None, *history], history, strict=False):
            old = None if before is None else before.body
            owners.setdefault(entry.body["owner"], entry.process)
            if old is not None and old["state"] not in UNFINISHED:
                yield f"changed after its end: {number}"
            elif before is not None and old is not None and not self._may(before, entry, owners):
                yield f"written by who had lost it: {number}"
        end = history[-1]
        body = end.body
        told = body["values"]
        if told is not None and told != [value_of(number, body["attempt"], owners[body["owner"]])]:
            yield f"another's value: {number} holds {told}"
        counters = [process for one, process in self.counted if one == number]
        ours = body["state"] in {"COMPLETE", "PRUNED"}
        if len(counters) > 1:
            yield f"counted twice: {number} by {counters}"
        elif ours and not counters and end.process not in self.died:
            yield f"counted by nobody: {number}"

    def _may(self, before: Entry, entry: Entry, owners: dict[str, int]) -> bool:
        """Whether a process may write a trial that stood so before."""
        old, new = before.body, entry.body
        if new["owner"] == old["owner"] and new["attempt"] == old["attempt"]:
            ours = owners[new["owner"]] == entry.process
            return ours or (new["state"] == "FAIL" and self._is_over(before, entry))
        released = not new["owner"] and owners[old["owner"]] == entry.process
        taken = new["attempt"] == old["attempt"] + 1 <= MAX_ATTEMPTS
        return released or (taken and self._is_over(before, entry))

    def _is_over(self, before: Entry, entry: Entry) -> bool:
        silent = entry.seconds - before.seconds
        return not before.body["owner"] or silent > self.lease_seconds

    def _of_leases(self, leases: list[Entry], ends: list[Entry]) -> Iterator[str]:
        """Say whether somebody took the lead from the living, or wrote without it."""
        last = leases[0]
        for entry in self.entries:
            if entry in ends and entry.process != last.process:
                yield f"written by who does not lead: {entry.process}"
            if entry not in leases:
                continue
            taken = entry.body["attempt"] == last.body["attempt"] + 1
            silent = entry.seconds - last.seconds
            if not taken and entry.process != last.process:
                yield f"led by two: {entry.process} and {last.process}"
            elif entry.body["owner"] != last.body["owner"] and silent <= self.lease_seconds:
                yield f"led by two: {entry.process}, {silent} s after {last.process}"
            last = entry


def value_of(number: int, attempt: int, process: int) -> float:
    """Return the value that only this attempt of this process gives a trial."""
    return number * 1e6 + attempt * 1e4 + process
