"""Timing several loops of the same study, one after the other, again and again."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial

from tests.benchmarks.backends import spread

BY_HAND = "by hand, in memory"
VALUE_TOLERANCE = 1e-6

Loop = Callable[[], list[FrozenTrial]]


@dataclass(frozen=True)
class Times:
    """The runs of one loop, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def interleaved(
    loops: Mapping[str, Loop], repeats: int, *, params_only: bool = False
) -> dict[str, Times]:
    """Run A B C A B C …, and see that all did the same.

    Of trials at once that is the parameters only: what is pruned depends on who is first.
    """
    took = {name: Times() for name in loops}
    for _ in range(repeats):
        by_hand: list[FrozenTrial] = []
        for name, loop in loops.items():
            wall, cpu = time.perf_counter(), time.process_time()
            trials = loop()
            took[name].cpu.append(time.process_time() - cpu)
            took[name].wall.append(time.perf_counter() - wall)
            by_hand = by_hand or trials
            if difference := _difference(by_hand, trials, params_only=params_only):
                print(f"  {name} did not do the same as {BY_HAND}: {difference}")
    return took


def print_times(took: Mapping[str, Times], *, per: float, unit: str) -> None:
    base = took[BY_HAND]
    for name, times in took.items():
        line = f"  {name:20} {spread([one / per for one in times.wall])} {unit}"
        line += f"  cpu {spread([one / per for one in times.cpu])} {unit}"
        if times is not base and unit == "ms":
            more = [one - other for one, other in zip(times.wall, base.wall, strict=True)]
            line += f"  more {spread([one / per for one in more])} ms"
        elif times is not base:
            line += f"  ratio {spread(_ratios(times.wall, base.wall))}"
            line += f"  of cpu {spread(_ratios(times.cpu, base.cpu))}"
        print(line, flush=True)


def _difference(
    left: Sequence[FrozenTrial], right: Sequence[FrozenTrial], *, params_only: bool
) -> str:
    if len(left) != len(right):
        return f"{len(right)} trials, not {len(left)}"
    for one, other in zip(left, right, strict=True):
        if one.params != other.params:
            return f"trial {one.number} has other parameters"
        if params_only:
            continue
        if one.state != other.state:
            return f"trial {one.number} is {other.state.name}, not {one.state.name}"
        if len(one.intermediate_values) != len(other.intermediate_values):
            return f"trial {one.number} ended after another number of rounds"
        if one.state.name == "COMPLETE" and abs(one.values[0] - other.values[0]) > VALUE_TOLERANCE:
            return f"trial {one.number} is worth {other.values[0]}, not {one.values[0]}"
    return ""


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]
