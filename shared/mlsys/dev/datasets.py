"""The demo's tables: scikit-learn's, as a person would have them in a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn import datasets

from mlsys.domain.choices import TaskType

Name = Literal["breast-cancer", "wine", "diabetes"]
Row = dict[str, Any]

HELD_OUT = 0.05
SEED = 7


@dataclass(frozen=True)
class Table:
    """Rows to drop, rows that nobody trains on, and what is to be learnt."""

    name: str
    target: str
    task: TaskType
    features: Sequence[str]
    rows: Sequence[Row]
    held_out: Sequence[Row]

    @property
    def csv(self) -> bytes:
        """The rows to drop, with a header."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, [*self.features, self.target], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue().encode()

    @property
    def dataset(self) -> Mapping[str, Any]:
        """What belongs into its `dataset.json`: the contract, and how to split."""
        classes = self.task is TaskType.CLASSIFICATION
        columns: dict[str, Any] = {name: {"nullable": False} for name in self.features}
        target_type = "text" if classes else "float"
        columns[self.target] = {"type": target_type, "nullable": False, "role": "target"}
        strategy = "stratified" if classes else "random"
        return {
            "contract": {"columns": columns, "task_type": self.task.value},
            "split": {"strategy": strategy, "seed": SEED, "target_column": self.target},
        }

    def instance(self, row: Row) -> Row:
        """Return a row without its target."""
        return {name: row[name] for name in self.features}


def load(name: Name) -> Table:
    """Load a table, and put a twentieth of its rows aside, always the same ones.

    >>> wine = load("wine")
    >>> len(wine.rows), len(wine.held_out), sorted({row["cultivar"] for row in wine.rows})
    (169, 9, ['class_0', 'class_1', 'class_2'])

    """
    match name:
        case "breast-cancer":
            found, target = datasets.load_breast_cancer(), "diagnosis"
        case "wine":
            found, target = datasets.load_wine(), "cultivar"
        case "diabetes":
            found, target = datasets.load_diabetes(scaled=False), "progression"
    task = TaskType.REGRESSION if name == "diabetes" else TaskType.CLASSIFICATION
    features = [str(one).replace(" ", "_").replace("/", "_") for one in found.feature_names]
    truth = found.target.tolist()
    if task is TaskType.CLASSIFICATION:
        truth = [str(found.target_names[one]) for one in truth]
    rows = [
        dict(zip([*features, target], [*values, one], strict=True))
        for values, one in zip(found.data.tolist(), truth, strict=True)
    ]
    order = np.random.default_rng(SEED).permutation(len(rows)).tolist()
    aside = round(HELD_OUT * len(rows))
    return Table(
        name=name,
        target=target,
        task=task,
        features=features,
        rows=[rows[one] for one in sorted(order[aside:])],
        held_out=[rows[one] for one in sorted(order[:aside])],
    )
