"""The tables that tests/benchmarks/quality.py learns: scikit-learn's, and two that are made.

`agrawal` is the generator of Agrawal, Imielinski and Swami, "Database Mining: A Performance
Perspective" (1993): loan applications of numbers and categories, here with their function 9 and
values perturbed by a tenth. `friedman` is the first function of Friedman, "Multivariate Adaptive
Regression Splines" (1991), two of whose numbers are told as categories.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn import datasets

from mlsys.domain.choices import TaskType
from mlsys.domain.learners.base import Floats

TARGET = "target"
PART = "part"
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
MADE_ROWS = 20_000
PERTURBED = 0.1


@dataclass(frozen=True)
class Table:
    """Rows with their target and the part that each belongs to; the same for all contestants."""

    name: str
    task: TaskType
    metric: str
    rows: pl.DataFrame

    @property
    def features(self) -> list[str]:
        """All columns but the target and the part."""
        return [name for name in self.rows.columns if name not in {TARGET, PART}]


def table(name: str) -> Table:
    """Make a table, and say which rows nobody may learn from."""
    task, metric, made = TABLES[name]
    rows = made()
    rng = np.random.default_rng(11)
    parts = rng.choice(list(SHARES), size=rows.height, p=list(SHARES.values()))
    return Table(name, task, metric, rows.with_columns(pl.Series(PART, parts)))


def _of_scikit_learn(load: Callable[[], Mapping[str, Floats]]) -> Callable[[], pl.DataFrame]:
    def made() -> pl.DataFrame:
        found = load()
        columns = {f"x{place}": column for place, column in enumerate(found["data"].T)}
        return pl.DataFrame({**columns, TARGET: found["target"]})

    return made


def _agrawal() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    n = MADE_ROWS
    salary = rng.uniform(20_000, 150_000, n)
    commission = np.where(salary >= 75_000, 0.0, rng.uniform(10_000, 75_000, n))
    education = rng.integers(0, 5, n)
    zipcode = rng.integers(0, 9, n)
    house = rng.uniform(0.5, 1.5, n) * (9 - zipcode) * 100_000
    loan = rng.uniform(0, 500_000, n)
    disposable = 2 * (salary + commission) / 3 - 5_000 * education - loan / 5 - 10_000
    told = {
        "salary": _perturbed(salary, rng),
        "commission": _perturbed(commission, rng),
        "age": rng.integers(20, 81, n),
        "education": [f"level {one}" for one in education],
        "car": [f"make {one}" for one in rng.integers(1, 21, n)],
        "zipcode": [f"zip {one}" for one in zipcode],
        "house_value": _perturbed(house, rng),
        "years_owned": rng.integers(1, 31, n),
        "loan": _perturbed(loan, rng),
    }
    return pl.DataFrame({**told, TARGET: (disposable > 0).astype(np.int64)})


def _perturbed(values: Floats, rng: np.random.Generator) -> Floats:
    noise = rng.uniform(-1, 1, len(values)) * PERTURBED * np.ptp(values)
    clipped: Floats = np.clip(values + noise, 0, None)
    return clipped


def _friedman() -> pl.DataFrame:
    x, target = datasets.make_friedman1(MADE_ROWS, n_features=10, noise=1.0, random_state=5)
    columns: dict[str, object] = {f"x{place}": column for place, column in enumerate(x.T)}
    for place in (3, 4):
        columns[f"x{place}"] = [f"step {int(one * 12)}" for one in x[:, place]]
    return pl.DataFrame({**columns, TARGET: target})


CLASSES, VALUES = TaskType.CLASSIFICATION, TaskType.REGRESSION
TABLES = {
    "breast-cancer": (CLASSES, "roc_auc", _of_scikit_learn(datasets.load_breast_cancer)),
    "digits": (CLASSES, "log_loss", _of_scikit_learn(datasets.load_digits)),
    "diabetes": (VALUES, "rmse", _of_scikit_learn(datasets.load_diabetes)),
    "agrawal": (CLASSES, "roc_auc", _agrawal),
    "friedman": (VALUES, "rmse", _friedman),
}
