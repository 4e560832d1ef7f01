"""What our study loop costs beside the same loop written by hand: `make bench-study`.

It prints, and judges nothing: times depend on who else uses the machine, so believe the ratios,
which are taken pair by pair in one interleaved run. `loop` is a whole study of n trials on data
that were binned before; `seconds` is wall time, `cpu` is this process's processor time. Without the
Firestore emulator its lines are left out, with the reason.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from threading import Event
from uuid import uuid4

import optuna
from optuna.trial import FrozenTrial

from mlsys import logs
from mlsys.domain.messages import ModelType, OptunaConfig
from mlsys.ports import Records
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.sampling import sampler_of
from mlsys.use_cases.trials import TrialStorage
from mlsys.use_cases.work import work
from tests.benchmarks.by_hand import study_by_hand
from tests.benchmarks.ours import Bench, bench_of
from tests.cloud.emulators import FIRESTORE, Missing, kept_session, running

BY_HAND = "by hand, in memory"
PACKAGES = ("optuna", "lightgbm", "xgboost-cpu", "catboost", "numpy", "google-cloud-firestore")
VALUE_TOLERANCE = 1e-6

Loop = Callable[[], list[FrozenTrial]]


@dataclass(frozen=True)
class Times:
    """The runs of one loop, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print it."""
    asked = _parser().parse_args(arguments)
    logs.configure("error")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, _backends(Path(folder)) as backends:
        print(_about(asked))
        bench = bench_of(Runtime(Settings(home=Path(folder) / "home")), rows=asked.rows)
        for name in asked.libraries:
            _compare_libraries(ModelType(name), bench, backends, asked)
        for sampler in ("Random", "TPE"):
            _compare_empty(
                OptunaConfig(n_trials=asked.empty_trials, sampler=sampler), backends, asked
            )
    return 0


def _compare_libraries(
    model_type: ModelType, bench: Bench, backends: Mapping[str, Records], asked: argparse.Namespace
) -> None:
    short = bench.training(model_type, trials=1, threads=asked.threads)
    training = bench.training(model_type, trials=asked.trials, threads=asked.threads)
    loops: dict[str, Loop] = {BY_HAND: lambda: study_by_hand(training)}
    for name, records in backends.items():
        bench.study(short, records)
        loops[f"ours, {name}"] = partial(bench.study, training, records)
    study_by_hand(short)
    print(f"\n{model_type.value}: {asked.trials} trials, median of {asked.repeats} (min to max)")
    _print(_interleaved(loops, asked.repeats), per=1, unit="s")


def _compare_empty(
    config: OptunaConfig, backends: Mapping[str, Records], asked: argparse.Namespace
) -> None:
    loops: dict[str, Loop] = {BY_HAND: lambda: _empty_by_hand(config)}
    for name, records in backends.items():
        loops[f"ours, {name}"] = partial(_empty_of_ours, config, records)
    for loop in loops.values():
        loop()
    print(f"\n{config.sampler}, an objective that costs nothing: each of {config.n_trials} trials")
    _print(_interleaved(loops, asked.repeats), per=config.n_trials / 1000, unit="ms")


def _empty_by_hand(config: OptunaConfig) -> list[FrozenTrial]:
    study = optuna.create_study(sampler=sampler_of(config, spaces={}, task=0, parallel=False))
    study.optimize(_empty, n_trials=config.n_trials)
    return study.get_trials(deepcopy=False)


def _empty_of_ours(config: OptunaConfig, records: Records) -> list[FrozenTrial]:
    storage = TrialStorage(records, max_trials=config.n_trials)
    sampler = sampler_of(config, spaces={}, task=0, parallel=False)
    study = optuna.create_study(
        study_name=f"exp-{uuid4().hex[:12]}", storage=storage, sampler=sampler
    )
    work(study, _empty, storage=storage, stop=Event())
    return study.get_trials(deepcopy=False)


def _empty(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("rate", 0.001, 1, log=True)
    depth = trial.suggest_int("depth", 1, 10)
    share = trial.suggest_float("share", 0, 1)
    for step in range(1, 6):
        trial.report(share * step, step)
    return rate + depth + share


def _interleaved(loops: Mapping[str, Loop], repeats: int) -> dict[str, Times]:
    """Run A B C A B C …, and see that all did the same."""
    took = {name: Times() for name in loops}
    for _ in range(repeats):
        by_hand: list[FrozenTrial] = []
        for name, loop in loops.items():
            wall, cpu = time.perf_counter(), time.process_time()
            trials = loop()
            took[name].cpu.append(time.process_time() - cpu)
            took[name].wall.append(time.perf_counter() - wall)
            by_hand = by_hand or trials
            if difference := _difference(by_hand, trials):
                print(f"  {name} did not do the same as {BY_HAND}: {difference}")
    return took


def _difference(left: Sequence[FrozenTrial], right: Sequence[FrozenTrial]) -> str:
    if len(left) != len(right):
        return f"{len(right)} trials, not {len(left)}"
    for one, other in zip(left, right, strict=True):
        if one.params != other.params:
            return f"trial {one.number} has other parameters"
        if one.state != other.state:
            return f"trial {one.number} is {other.state.name}, not {one.state.name}"
        if len(one.intermediate_values) != len(other.intermediate_values):
            return f"trial {one.number} ended after another number of rounds"
        if one.state.name == "COMPLETE" and abs(one.values[0] - other.values[0]) > VALUE_TOLERANCE:
            return f"trial {one.number} is worth {other.values[0]}, not {one.values[0]}"
    return ""


def _print(took: Mapping[str, Times], *, per: float, unit: str) -> None:
    base = took[BY_HAND]
    for name, times in took.items():
        line = f"  {name:20} {_spread([one / per for one in times.wall])} {unit}"
        line += f"  cpu {_spread([one / per for one in times.cpu])} {unit}"
        if times is not base and unit == "ms":
            more = [one - other for one, other in zip(times.wall, base.wall, strict=True)]
            line += f"  more {_spread([one / per for one in more])} ms"
        elif times is not base:
            line += f"  ratio {_spread(_ratios(times.wall, base.wall))}"
            line += f"  of cpu {_spread(_ratios(times.cpu, base.cpu))}"
        print(line, flush=True)


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def _spread(figures: Sequence[float]) -> str:
    return f"{median(figures):.3f} ({min(figures):.3f} to {max(figures):.3f})"


@contextmanager
def _backends(folder: Path) -> Iterator[dict[str, Records]]:
    from mlsys.adapters.local.records import SqliteRecords

    backends: dict[str, Records] = {"SQLite": SqliteRecords(folder / "bench.db")}
    with kept_session() as session:
        try:
            os.environ.setdefault(FIRESTORE.variable, running(FIRESTORE, session))
        except Missing as missing:
            print(f"not on Firestore: {missing}")
            yield backends
            return
        from google.cloud import firestore

        from mlsys.adapters.gcp.records import FirestoreRecords

        client = firestore.Client(project=f"bench-{uuid4().hex[:12]}")
        backends["Firestore"] = FirestoreRecords(client)
        yield backends
        client.close()


def _about(asked: argparse.Namespace) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"Python {platform.python_version()}, {versions}\n"
        f"{asked.rows} rows (70 % train, 15 % val), 15 numbers and 5 categories, "
        f"{asked.threads} threads of {len(os.sched_getaffinity(0))} cores, load {load}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-study", description=__doc__)
    parser.add_argument("--rows", type=int, default=32_000)
    parser.add_argument("--trials", type=int, default=20, help="of one study")
    parser.add_argument("--empty-trials", type=int, default=200, help="that cost nothing")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of one fit")
    parser.add_argument("--libraries", nargs="+", default=[one.value for one in ModelType])
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
