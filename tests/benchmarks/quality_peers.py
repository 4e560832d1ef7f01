"""What tests/benchmarks/quality.py compares with, in an environment of its own.

`python -m tests.benchmarks.quality_peers NAME TABLE.parquet TASK METRIC SECONDS`: learns from all
rows that are not of test, and prints what it comes to on test.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

FLAML_METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}


def main(name: str, path: str, task: str, metric: str, seconds: str) -> None:
    """Learn, score, print."""
    import pandas as pd

    rows = pd.read_parquet(path)
    texts = rows.select_dtypes(["object", "string"]).columns.difference(["part", "target"])
    rows[texts] = rows[texts].astype("category")
    learnt, unseen = rows[rows["part"] != "test"], rows[rows["part"] == "test"]
    x, y = learnt.drop(columns=["part", "target"]), learnt["target"]
    started = time.perf_counter()
    model = CONTESTANTS[name](x, y, task, metric, float(seconds))
    took = time.perf_counter() - started
    there = unseen.drop(columns=["part", "target"])
    print(json.dumps({"value": _score(model, there, unseen["target"], metric), "seconds": took}))


def _flaml(x: Any, y: Any, task: str, metric: str, seconds: float) -> Any:
    from flaml import AutoML  # type: ignore[import-not-found]  # only in an environment of its own

    model = AutoML()
    model.fit(
        x,
        y,
        task=task,
        metric=FLAML_METRICS[metric],
        time_budget=seconds,
        n_jobs=-1,
        seed=0,
        verbose=0,
    )
    return model


def _lightgbm(x: Any, y: Any, task: str, *_: Any) -> Any:
    import lightgbm

    kind = lightgbm.LGBMClassifier if task == "classification" else lightgbm.LGBMRegressor
    return kind(verbosity=-1).fit(x, y)


def _xgboost(x: Any, y: Any, task: str, *_: Any) -> Any:
    import xgboost

    kind = xgboost.XGBClassifier if task == "classification" else xgboost.XGBRegressor
    return kind(enable_categorical=True).fit(x, y)


def _catboost(x: Any, y: Any, task: str, *_: Any) -> Any:
    import catboost  # type: ignore[import-untyped]  # it ships no types

    kind = catboost.CatBoostClassifier if task == "classification" else catboost.CatBoostRegressor
    texts = list(x.select_dtypes("category").columns)
    model = kind(cat_features=texts, verbose=False, allow_writing_files=False)
    return model.fit(x, y)


CONTESTANTS: dict[str, Callable[..., Any]] = {
    "FLAML": _flaml,
    "LightGBM, defaults": _lightgbm,
    "XGBoost, defaults": _xgboost,
    "CatBoost, defaults": _catboost,
}


def _score(model: Any, x: Any, y: Any, metric: str) -> float:
    from sklearn import metrics

    if metric == "rmse":
        return float(metrics.root_mean_squared_error(y, model.predict(x)))
    probability = model.predict_proba(x)
    if metric == "roc_auc":
        return float(metrics.roc_auc_score(y, probability[:, 1]))
    return float(metrics.log_loss(y, probability))


if __name__ == "__main__":
    main(*sys.argv[1:])
