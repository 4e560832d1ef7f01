"""Time contributions as `POST /v1/importance` computes them beside the libraries' own TreeSHAP.

Each task and library in turn, A B A B …, in seconds of CPU, one thread; the libraries' packages get
the matrix that ours gets. `rows` is what is explained, of a model of `trees`. The ratio of medians
should stay below 1.3.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from statistics import median

import numpy as np

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.choices import ModelType
from mlsys.domain.feature_importance import rank_by_shap
from mlsys.domain.features import Feature, Plan
from mlsys.domain.learners.base import Examples, Floats, Params, Task
from mlsys.domain.learners.matrices import as_float32
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.catboost import feature_data
from mlsys.domain.scoring.table import load_booster

Explain = Callable[[], object]

NUMBERS, CATEGORIES = 15, 5
CATEGORICAL = (False,) * NUMBERS + (True,) * CATEGORIES
CODES = 10
TASKS = (Task("binary", 2), Task("multiclass", 3), Task("regression"))
PARAMS: dict[ModelType, Params] = {
    ModelType.CATBOOST: {"depth": 6, "learning_rate": 0.05},
    ModelType.LIGHTGBM: {"num_leaves": 31, "learning_rate": 0.05},
    ModelType.XGBOOST: {"max_depth": 6, "eta": 0.05},
}
PACKAGES = {
    ModelType.CATBOOST: "catboost",
    ModelType.LIGHTGBM: "lightgbm",
    ModelType.XGBOOST: "xgboost-cpu",
}


def main() -> None:
    """Print a line for each task and library."""
    asked = _arguments()
    named = ", ".join(f"{name} {version(name)}" for name in PACKAGES.values())
    print(f"{named}; {asked.rows} rows, 20 features of which 5 categorical, {asked.trees} trees")
    print(f"{'task':<11} {'library':<9} {'ours s':>8} {'theirs s':>9} {'ratio':>6}  min to max")
    for task in TASKS:
        examples = _examples(task, rows=3000)
        for model_type in ModelType:
            content = _fitted(model_type, task, examples, trees=asked.trees)
            rows = np.ascontiguousarray(_examples(task, rows=asked.rows, seed=1).matrix)
            model = _model(model_type, content, task)
            ours = partial(rank_by_shap, model, rows)
            theirs = THEIRS[model_type](content, rows)
            pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(asked.repeats)]
            ratios = [one / other for one, other in pairs]
            mine, other = (median(times) for times in zip(*pairs, strict=True))
            print(
                f"{task.kind:<11} {model_type.value:<9} {mine:8.3f} {other:9.3f} "
                f"{mine / other:6.2f}  {min(ratios):.2f} to {max(ratios):.2f}",
                flush=True,
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def _examples(task: Task, *, rows: int, seed: int = 0) -> Examples:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(rows, NUMBERS + CATEGORIES))
    matrix[:, NUMBERS:] = generator.integers(0, CODES, size=(rows, CATEGORIES))
    score = 2 * matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + 2 * (matrix[:, NUMBERS] == 1)
    score += generator.normal(size=rows)
    edges = {"binary": [0.0], "multiclass": [-1.0, 1.0]}.get(task.kind)
    target = score if edges is None else np.digitize(score, edges).astype(np.float64)
    return Examples(matrix, target, CATEGORICAL)


def _fitted(model_type: ModelType, task: Task, examples: Examples, *, trees: int) -> bytes:
    library = learner(model_type)
    binned = library.bin(examples, None, task=task, threads=1)
    fit = library.fit(binned, task=task, params=PARAMS[model_type], rounds=trees, threads=1, seed=0)
    return fit.to_bytes()


def _model(model_type: ModelType, content: bytes, task: Task) -> Model:
    features = tuple(
        Feature(name=f"f{place}", kind="category" if codes else "numeric", nullable=True)
        for place, codes in enumerate(CATEGORICAL)
    )
    labels = tuple(range(task.n_classes))
    plan = Plan(features=features, target="y", task_kind=task.kind, labels=labels)
    return Model(plan, load_booster(model_type, content, task=task), Postprocess())


def _lightgbm(content: bytes, rows: Floats) -> Explain:
    import lightgbm

    booster = lightgbm.Booster(model_str=content.decode())
    return lambda: booster.predict(rows, pred_contrib=True, num_threads=1)


def _xgboost(content: bytes, rows: Floats) -> Explain:
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    types = ["c" if codes else "q" for codes in CATEGORICAL]

    def explain() -> object:
        table = xgboost.DMatrix(
            as_float32(rows), feature_types=types, enable_categorical=True, nthread=1
        )
        return booster.predict(table, pred_contribs=True)

    return explain


def _catboost(content: bytes, rows: Floats) -> Explain:
    from mlsys.domain.scoring.catboost_package import CatBoost, Pool

    model = CatBoost().load_model(blob=content)
    numbers, codes = list(range(NUMBERS)), list(range(NUMBERS, NUMBERS + CATEGORIES))
    return lambda: model.get_feature_importance(
        Pool(feature_data(rows, numbers, codes)), type="ShapValues", thread_count=1
    )


THEIRS: dict[ModelType, Callable[[bytes, Floats], Explain]] = {
    ModelType.CATBOOST: _catboost,
    ModelType.LIGHTGBM: _lightgbm,
    ModelType.XGBOOST: _xgboost,
}


def _seconds(work: Explain) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
