"""Scoring through the libraries' own packages, on one thread, as people write it.

`MODEL` is the folder where tests/benchmarks/served_model.py left a model for other servers.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


def described() -> Any:
    """Read what there is to know: the library, the file, the numbers and the words of columns."""
    return json.loads((_folder() / "about.json").read_text())


def scorer() -> Callable[[Any], list[float]]:
    """Load the model once; what is returned takes (n, k) of numbers, words as their codes."""
    about = described()
    load = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}[about["library"]]
    return load(str(_folder() / about["file"]), about)


def _folder() -> Path:
    return Path(os.environ["MODEL"])


def _lightgbm(file: str, _: Any) -> Callable[[Any], list[float]]:
    import lightgbm

    booster: Any = lightgbm.Booster(model_file=file)

    def score(matrix: Any) -> list[float]:
        scores: list[float] = booster.predict(matrix, num_threads=1).tolist()
        return scores

    return score


def _xgboost(file: str, _: Any) -> Callable[[Any], list[float]]:
    import xgboost

    booster: Any = xgboost.Booster(model_file=file)
    booster.set_param({"nthread": 1})

    def score(matrix: Any) -> list[float]:
        scores: list[float] = booster.inplace_predict(matrix, validate_features=False).tolist()
        return scores

    return score


def _catboost(file: str, about: Any) -> Callable[[Any], list[float]]:
    import catboost  # type: ignore[import-untyped]

    model = catboost.CatBoost().load_model(file)
    return partial(_catboost_scores, model, len(about["numbers"]))


def _catboost_scores(model: Any, numbers: int, matrix: Any) -> list[float]:
    """Give CatBoost its categories as text, which is how it learnt them."""
    rows = matrix.astype(object)
    rows[:, numbers:] = matrix[:, numbers:].astype(int).astype(str)
    told: list[float] = model.predict(rows, prediction_type="Probability", thread_count=1)[
        :, 1
    ].tolist()
    return told
