"""What would make a test too good to be true, or a column of no use: the warnings of a split."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

from mlsys.domain.choices import TaskType
from mlsys.domain.profiling.class_counts import ClassCounts, find_absent_classes, find_class_shares
from mlsys.domain.profiling.copies import Copies, among
from mlsys.domain.profiling.distributions import written
from mlsys.domain.profiling.giveaways import find_giveaways
from mlsys.domain.profiling.odd_columns import find_odd_columns
from mlsys.domain.profiling.row_samples import Hashes
from mlsys.domain.profiling.seen_parts import Seen
from mlsys.domain.records import Part
from mlsys.domain.report import Leak
from mlsys.domain.split_records import Column, Role

COPIED = (Role.FEATURE, Role.TARGET, Role.TIME, Role.GROUP)
"""Roles of the columns in which a row and its copy are the same."""
BY_COINCIDENCE = 0.01
"""Share of rows that may be expected to have a copy by chance, for copies to be worth a word."""


@dataclass(frozen=True)
class Wanted:
    """What the columns are for, and what the target is."""

    columns: Mapping[str, Column]
    task: TaskType | None
    by_time: bool = False

    def names(self, *roles: Role) -> list[str]:
        """Name the columns of these roles."""
        return [name for name, column in self.columns.items() if column.role in roles]


def find_leaks(
    seen: Mapping[Part, Seen], wanted: Wanted, copies: Copies, classes: ClassCounts
) -> list[Leak]:
    """Look for everything that docs/profile.md lists, in the parts that have rows.

    Args:
        seen: the parts that have rows; without train nothing is said.
        wanted: what the columns are for.
        copies: has seen all rows.
        classes: have seen all targets.
    """
    if "train" not in seen:
        return []
    train = seen["train"]
    features = wanted.names(Role.FEATURE)
    leaks = _duplicates(seen, wanted, copies)
    for target in wanted.names(Role.TARGET):
        hidden = wanted.columns[target].sensitive
        counts = classes.by_part(wanted.columns[target].type, wanted.task)
        leaks += find_giveaways(
            train.rows, target=target, features=features, has_classes=counts is not None
        )
        if counts is not None:
            leaks += find_absent_classes(counts, target=target, hidden=hidden)
            leaks += find_class_shares(counts, target=target, hidden=hidden)
    leaks += find_odd_columns(train.rows, train.tallies, features)
    return leaks + _time_overlap(seen, wanted)


def _duplicates(seen: Mapping[Part, Seen], wanted: Wanted, copies: Copies) -> list[Leak]:
    spread = copies.spread()
    if not len(spread) or _coincide(seen["train"], wanted):
        return []
    told = [_copied(part, one, copies, spread) for part, one in seen.items() if part != "train"]
    number = f"{len(spread):,}" if copies.share == 1 else f"about {len(spread) / copies.share:,.0f}"
    message = (
        f"{number} row(s) have exact copies in other parts ({', '.join(filter(None, told))}): a "
        "model is tested there on what it has learnt; drop the copies, or keep them together with "
        "the strategy group"
    )
    return [Leak(kind="duplicate_rows", message=message)]


def _copied(part: Part, seen: Seen, copies: Copies, spread: Hashes) -> str | None:
    """Say how many rows of a part have a copy in another."""
    judged = seen.hashes[copies.keeps(seen.hashes)]
    if not len(judged):
        return None
    share = float(among(judged, spread).mean())
    rows = round(share * seen.count)
    about = "" if seen.whole and copies.share == 1 else "about "
    return f"{about}{rows:,} of {seen.count:,} rows of {part}"


def _coincide(train: Seen, wanted: Wanted) -> bool:
    """Whether values are so few that equal rows are to be expected, were columns independent."""
    alike = 0.0
    for name in wanted.names(*COPIED):
        counts = train.rows[name].value_counts(name="\x00count")["\x00count"].to_numpy()
        alike += log(float(((counts / counts.sum()) ** 2).sum()))
    return 1 - exp(-exp(alike) * train.count) > BY_COINCIDENCE


def _time_overlap(seen: Mapping[Part, Seen], wanted: Wanted) -> list[Leak]:
    leaks = []
    for name in () if wanted.by_time else wanted.names(Role.TIME):
        learnt = seen["train"].tallies[name].moments
        for part, one in seen.items():
            tested = one.tallies[name].moments
            if part == "train" or not learnt or not tested or learnt.high <= tested.low:
                continue
            dtype = one.tallies[name].dtype
            told = f" ({written(learnt.high, dtype)} and {written(tested.low, dtype)})"
            message = (
                f"by column {name!r} train ends after {part} begins"
                f"{'' if wanted.columns[name].sensitive else told}: a model that shall tell the "
                "future learns here from it; split with the strategy time"
            )
            leaks.append(Leak(kind="time_overlap", columns=[name], message=message))
    return leaks
