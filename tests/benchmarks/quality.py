"""How good our models are beside others', in the same wall-clock time: `make bench-quality`.

Ours (`model_type: auto`, everything else as it comes; once more with `cv_folds`, as FLAML does for
small tables by itself) and FLAML get the same seconds on the same cores; LightGBM, XGBoost and
CatBoost are fitted once with their defaults. All learn from the rows of train and val, and are
scored on the same rows of test, once. It prints, and judges nothing; nothing of mlsys may be tuned
to these tables.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event

from mlsys import logs
from mlsys.domain.errors import Unavailable
from mlsys.domain.learners.lean import import_lean
from mlsys.domain.messages import ExperimentRequest, OptunaConfig, UploadFinished
from mlsys.handlers.study import handle
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.experiments import requested
from mlsys.use_cases.split import split_upload
from tests.benchmarks.quality_tables import PART, TABLES, TARGET, Table, table

PEERS_PYTHON = Path(".venv-peers/bin/python")
PEERS = ("FLAML", "LightGBM, defaults", "XGBoost, defaults", "CatBoost, defaults")
MAX_TRIALS = 2_000
CV_FOLDS = 5


@dataclass(frozen=True)
class Score:
    """What one contestant came to on test, and how long it took with all that belongs to it."""

    value: float
    seconds: float
    note: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print it."""
    asked = _parser().parse_args(arguments)
    logs.configure("error")
    import_lean()
    print(_about(asked.seconds))
    with tempfile.TemporaryDirectory() as name:
        for each in asked.tables:
            made = table(each)
            print(
                f"\n{each}: {made.rows.height} rows, {len(made.features)} features, test", end=" "
            )
            print(made.metric)
            for contestant, score in _scores(made, Path(name), asked.seconds).items():
                print(f"  {contestant:20} {score.value:9.5f}  {score.seconds:6.1f} s  {score.note}")
    return 0


def _scores(made: Table, folder: Path, seconds: float) -> dict[str, Score]:
    scores = {
        "ours, auto": _ours(made, folder / made.name, seconds),
        f"ours, {CV_FOLDS} folds": _ours(
            made, folder / f"{made.name}-folds", seconds, cv_folds=CV_FOLDS
        ),
    }
    file = folder / f"{made.name}.parquet"
    made.rows.write_parquet(file)
    for name in PEERS:
        if not PEERS_PYTHON.exists():
            print(f"\n  {name}: left out, there is no {PEERS_PYTHON} (make .venv-peers)", end="")
            continue
        scores[name] = _theirs(name, made, file, seconds)
    return scores


def _theirs(name: str, made: Table, file: Path, seconds: float) -> Score:
    command = [str(PEERS_PYTHON), "-m", "tests.benchmarks.quality_peers"]
    ran = subprocess.run(
        [*command, name, str(file), made.task.value, made.metric, str(seconds)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Score(**json.loads(ran.stdout.splitlines()[-1]))


def _ours(made: Table, home: Path, seconds: float, *, cv_folds: int | None = None) -> Score:
    """Drop the table, split it as it says, study it for so long, and look at the version's test."""
    runtime = Runtime(Settings(home=home))
    dataset = {"split": {"strategy": "predefined", "split_column": PART}}
    runtime.objects.put(f"gs://uploads/{made.name}/dataset.json", json.dumps(dataset).encode())
    dropped = home / "dropped.parquet"
    made.rows.write_parquet(dropped)
    file = runtime.objects.put(f"gs://uploads/{made.name}/rows.parquet", dropped.read_bytes())
    split_upload(
        UploadFinished(
            bucket="uploads", name=f"{made.name}/rows.parquet", generation=file.generation
        ),
        workshop=runtime.workshop({}),
        uploads_bucket="uploads",
    )
    [split] = SPLITS.list(records=runtime.records).values
    if split.failure is not None:
        raise Unavailable(f"{made.name} was not split: {split.failure.message}")
    request = ExperimentRequest(
        split_id=split.id,
        name=made.name,
        target_column=TARGET,
        feature_columns=made.features,
        task_type=made.task,
        model_type="auto",
        metric_name=made.metric,
        cv_folds=cv_folds,
        optuna_config=OptunaConfig(n_trials=MAX_TRIALS, timeout_seconds=seconds),
        request_id=made.name,
    )
    experiment = requested(request, now=runtime.now())
    EXPERIMENTS.create(experiment.id, experiment, records=runtime.records)
    started = time.perf_counter()
    ended = handle(experiment.id, runtime, environment={}, stop=Event())
    took = time.perf_counter() - started
    if ended.test is None or ended.best_trial is None:
        raise Unavailable(f"{made.name} came to nothing: {ended.failure}")
    best = ended.best_trial
    note = f"{sum(ended.trials.values())} trials, best is {best.number}, {best.model_type}"
    return Score(ended.test.value, took, note)


def _about(seconds: float) -> str:
    packages = ("optuna", "lightgbm", "xgboost-cpu", "catboost")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, {seconds:g} s"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-quality", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
