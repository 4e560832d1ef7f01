"""Our study on a table of the benchmark's own: dropped and split like any other."""

from dataclasses import dataclass
from threading import Event
from uuid import uuid4

import numpy as np
import polars as pl
from optuna.trial import FrozenTrial

from mlsys.domain.choices import ModelType, Sampler, TaskType
from mlsys.domain.messages import ExperimentRequest, OptunaConfig, UploadFinished
from mlsys.domain.split_records import Split
from mlsys.ports import Records
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import requested
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.searching.packing import packing_of
from mlsys.use_cases.searching.search import search
from mlsys.use_cases.split import split_upload
from mlsys.use_cases.training.material import Training, prepare

LEASE_SECONDS = 120


@dataclass(frozen=True)
class Bench:
    """A home with one split, on which every study of a run trains."""

    runtime: Runtime
    split: Split

    def training(
        self,
        model_type: ModelType,
        *,
        trials: int,
        threads: int,
        sampler: Sampler = "Random",
        trials_at_once: int | None = None,
    ) -> Training:
        """Read, code and bin, once for all loops; random parameters are the same in all of them."""
        config = OptunaConfig(n_trials=trials, sampler=sampler, trials_at_once=trials_at_once)
        request = ExperimentRequest(
            split_id=self.split.id,
            name="benchmark",
            target_column="target",
            task_type=TaskType.CLASSIFICATION,
            model_type=model_type,
            metric_name="log_loss",
            optuna_config=config,
        )
        return prepare(request, self.split, objects=self.runtime.objects, threads=threads)

    def study(self, training: Training, records: Records) -> list[FrozenTrial]:
        """Run all trials as the study job does."""
        request = training.request.model_copy(update={"request_id": uuid4().hex})
        found = search(
            requested(request, now=self.runtime.now()),
            training,
            packing_of(training, tasks=1),
            worker=Worker("benchmark", 0, 1, training.threads, LEASE_SECONDS),
            house=House(records, self.runtime.objects, "artifacts", self.runtime.now),
            stop=Event(),
        )
        return found.trials


def bench_of(runtime: Runtime, *, rows: int, columns: int) -> Bench:
    """Drop a mixed table of so many rows and features into a home, and split it."""
    content = told_table(rows, columns).write_csv().encode()
    table = runtime.objects.put("gs://uploads/bench/table.csv", content)
    split_upload(
        UploadFinished(bucket="uploads", name="bench/table.csv", generation=table.generation),
        workshop=runtime.workshop({}),
        uploads_bucket="uploads",
    )
    [split] = SPLITS.list(records=runtime.records).values
    return Bench(runtime, split)


def told_table(rows: int, columns: int) -> pl.DataFrame:
    """Make (rows, columns + 1): numbers with gaps, a quarter of words, and a target they tell."""
    rng = np.random.default_rng(7)
    words = columns // 4
    numbers = rng.normal(size=(rows, columns - words))
    codes = rng.integers(0, [4 * (place + 2) for place in range(words)], size=(rows, words))
    told = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + codes[:, 0] % 3 - (codes[:, 1] % 5 > 2)
    target = told + rng.normal(scale=1.5, size=rows) > np.median(told)
    numbers[rng.random(size=numbers.shape) < 0.02] = np.nan
    return pl.DataFrame(
        {
            **{f"number_{place}": column for place, column in enumerate(numbers.T)},
            **{f"word_{p}": [f"w{code}" for code in col] for p, col in enumerate(codes.T)},
            "target": np.where(target, "yes", "no"),
        }
    ).with_columns(pl.col("^number_.*$").fill_nan(None))
