"""What our study costs beside a loop written by hand, and beside the usual example.

`make bench-study` prints, and judges nothing: times depend on who else uses the machine, so believe
the ratios, which are taken pair by pair in one interleaved run. `loop` is a whole study of n trials
on data that were binned before, calibration and all; `seconds` is wall time, `cpu` is this
process's processor time. What cannot run here is left out, with the reason.
"""

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Event
from uuid import uuid4

import optuna
import polars as pl
from optuna.trial import FrozenTrial

from mlsys import logs
from mlsys.domain.choices import ModelType
from mlsys.domain.learners.lean import import_lean
from mlsys.domain.messages import OptunaConfig
from mlsys.ports import Records
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.searching.sampling import sampler_of
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.benchmarks import copied_example
from tests.benchmarks.backends import backends
from tests.benchmarks.by_hand import study_by_hand
from tests.benchmarks.latency import print_latency
from tests.benchmarks.loops import BY_HAND, Loop, interleaved, print_times
from tests.benchmarks.ours import Bench, bench_of

PACKAGES = ("optuna", "lightgbm", "xgboost-cpu", "catboost", "numpy", "google-cloud-firestore")
PEERS = Path(".venv-peers/bin/python")


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print it."""
    asked = _parser().parse_args(arguments)
    import_lean()
    logs.configure("error")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, backends(Path(folder)) as stores:
        print(_about(asked))
        for rows, columns in asked.tables:
            home = Path(folder) / f"{rows}x{columns}"
            print(f"\n=== {rows} rows (70 % train, 15 % val) x {columns} columns")
            bench = bench_of(Runtime(Settings(home=home)), rows=rows, columns=columns)
            for name in asked.libraries:
                _compare_loops(ModelType(name), bench, stores, asked)
                _compare_with_the_example(ModelType(name), bench, stores["SQLite"], asked)
        for sampler in ("Random", "TPE"):
            _compare_empty(
                OptunaConfig(n_trials=asked.empty_trials, sampler=sampler), stores, asked
            )
        for name, records in stores.items():
            print_latency(records, name=name, trials=asked.far_trials)
            print_latency(records, name=name, trials=asked.far_trials, at_once=4)
    return 0


def _compare_loops(
    model_type: ModelType, bench: Bench, stores: Mapping[str, Records], asked: argparse.Namespace
) -> None:
    """Compare the same parameters, and as many trials at once, in each loop."""
    at_once = asked.trials_at_once
    training = partial(bench.training, model_type, threads=asked.threads, trials_at_once=at_once)
    whole = training(trials=asked.trials)
    short = replace(whole, request=training(trials=1).request)
    with ExitStack() as stack:  # bins for all, so that no loop makes them in its time
        for _ in range(at_once):
            stack.enter_context(whole.binned.lent(model_type, 0))
    loops: dict[str, Loop] = {BY_HAND: lambda: study_by_hand(whole)}
    for name, records in stores.items():
        bench.study(short, records)
        loops[f"ours, {name}"] = partial(bench.study, whole, records)
    study_by_hand(short)
    print(
        f"\n{model_type.value}: {asked.trials} trials, {at_once} at once, "
        f"median of {asked.repeats} (min to max)"
    )
    print_times(interleaved(loops, asked.repeats, params_only=at_once > 1), per=1, unit="s")


def _compare_with_the_example(
    model_type: ModelType, bench: Bench, records: Records, asked: argparse.Namespace
) -> None:
    """Compare as many trials of TPE, each way on all cores, in time and in what is found."""
    if not PEERS.exists():
        print(f"  without the usual example: `make {PEERS}` makes its environment")
        return
    trials, threads = asked.example_trials, asked.threads
    began = time.perf_counter()  # reading the table, looks and bins are ours to pay
    training = bench.training(model_type, trials=trials, threads=threads, sampler="TPE")
    found = bench.study(training, records)
    ours = time.perf_counter() - began
    best = min(one.values[0] for one in found if one.values)
    theirs = _example(model_type, bench, trials)
    print(
        f"  {trials} trials of TPE: ours {ours:.2f} s, val log loss {best:.5f}; the usual example "
        f"{theirs['seconds']:.2f} s, {theirs['best']:.5f}; ratio {ours / theirs['seconds']:.3f}, "
        f"log loss more by {best - theirs['best']:+.5f}",
        flush=True,
    )


def _example(model_type: ModelType, bench: Bench, trials: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for part in ("train", "val"):
            content = bench.runtime.objects.read(bench.split.files[part].uri)
            paths.append(Path(folder) / f"{part}.csv")
            pl.read_parquet(io.BytesIO(content)).write_csv(paths[-1])
        command = [PEERS, copied_example.__file__, model_type.value, *paths, str(trials)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, float] = json.loads(said.splitlines()[-1])
    return told


def _compare_empty(
    config: OptunaConfig, stores: Mapping[str, Records], asked: argparse.Namespace
) -> None:
    loops: dict[str, Loop] = {BY_HAND: lambda: _empty_by_hand(config)}
    for name, records in stores.items():
        loops[f"ours, {name}"] = partial(_empty_of_ours, config, records)
    for loop in loops.values():
        loop()
    print(f"\n{config.sampler}, an objective that costs nothing: each of {config.n_trials} trials")
    print_times(interleaved(loops, asked.repeats), per=config.n_trials / 1000, unit="ms")


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


def _about(asked: argparse.Namespace) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    return (
        f"Python {platform.python_version()}, {versions}\n"
        f"{asked.threads} threads of {cores} cores, load {load}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-study", description=__doc__)
    parser.add_argument(
        "--tables", type=_table, nargs="*", default=[(32_000, 20), (200_000, 30)], metavar="NxK"
    )
    parser.add_argument("--trials", type=int, default=20, help="of one study")
    parser.add_argument("--example-trials", type=int, default=50, help="beside the usual example")
    parser.add_argument("--empty-trials", type=int, default=200, help="that cost nothing")
    parser.add_argument("--far-trials", type=int, default=200, help="on a distant database")
    parser.add_argument("--repeats", type=int, default=5)
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=cores, help="of all trials at once")
    parser.add_argument("--trials-at-once", type=int, default=cores)
    parser.add_argument("--libraries", nargs="*", default=[one.value for one in ModelType])
    return parser


def _table(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    return int(rows), int(columns)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
