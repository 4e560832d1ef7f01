"""From the fork of a server to its first correct answer: seconds, processor seconds and memory."""

import os
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contestants import ROOT, Contestant
from tests.benchmarks.served_figures import Figures
from tests.benchmarks.served_model import ServedModel
from tests.benchmarks.served_processes import Memory, evict, served


@dataclass(frozen=True)
class Start:
    """One fresh process."""

    seconds: float
    cpu_seconds: float
    memory: Memory


TIMES: tuple[tuple[str, str, int, Callable[[Start], float]], ...] = (
    ("s to the first correct answer", "s", 3, lambda one: one.seconds),
    ("s of processor time", "CPU s", 3, lambda one: one.cpu_seconds),
)
WEIGHTS: tuple[tuple[str, str, int, Callable[[Start], float]], ...] = (
    ("MiB (PSS) after it", "PSS MiB", 0, lambda one: one.memory.pss),
    ("MiB (RSS) at its peak", "peak RSS MiB", 0, lambda one: one.memory.peak),
)


def starts(
    contestants: Sequence[Contestant],
    model: ServedModel,
    folder: Path,
    *,
    repeats: int,
    core: int,
    evicted: bool,
) -> list[Figures]:
    """Start one after the other, again and again, with files in the page cache or without."""
    os.sync()
    shared = [Path(sysconfig.get_path("stdlib")), ROOT / "shared", ROOT / "functions", folder]
    found: dict[str, list[Start]] = {one.name: [] for one in contestants}
    for _ in range(repeats):
        for one in contestants:
            if evicted:
                evict([one.venv, *shared])
            found[one.name].append(_start(one, model, folder / "start.log", core=core))
    cache = "evicted" if evicted else "warm"
    return [
        Figures(
            f"start, page cache {cache}: {what}",
            f"start, {cache}: {column}",
            digits,
            {name: [pick(one) for one in mine] for name, mine in found.items()},
        )
        for what, column, digits, pick in (TIMES if evicted else (*TIMES, *WEIGHTS))
    ]


def _start(contestant: Contestant, model: ServedModel, log: Path, *, core: int) -> Start:
    with served(contestant, log, core=core) as server:
        seconds = server.answered_after(model, rows=1)
        memory = server.memory()
        return Start(seconds, server.end(), memory)
