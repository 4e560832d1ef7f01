"""The example that everyone copies: scikit-learn's API, a DataFrame, and all cores for each trial.

It runs in an environment of its own, `.venv-peers`, because mlsys has no pandas:
`python copied_example.py LIBRARY TRAIN.csv VAL.csv TRIALS` prints one line of JSON, the seconds
that all trials took together and the best log loss on val. Reading the tables is not counted.
"""

import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

WORDS = 200
"""More than any column of words has."""
RATE = ("learning_rate", 0.01, 0.3, True)
# What each library's class is called, and what is drawn: name, low, high, whether by magnitude.
EXAMPLES: dict[str, tuple[str, list[tuple[str, float, float, bool]], dict[str, Any]]] = {
    "lightgbm": (
        "LGBMClassifier",
        [
            ("n_estimators", 50, 1000, False),
            RATE,
            ("num_leaves", 7, 255, True),
            ("min_child_samples", 2, 100, True),
            ("colsample_bytree", 0.4, 1.0, False),
            ("subsample", 0.4, 1.0, False),
            ("subsample_freq", 1, 7, False),
            ("reg_alpha", 1e-8, 10.0, True),
            ("reg_lambda", 1e-8, 10.0, True),
        ],
        {"n_jobs": -1, "verbosity": -1},
    ),
    "xgboost": (
        "XGBClassifier",
        [
            ("n_estimators", 50, 1000, False),
            RATE,
            ("max_depth", 2, 10, False),
            ("min_child_weight", 0.1, 20.0, True),
            ("subsample", 0.4, 1.0, False),
            ("colsample_bytree", 0.4, 1.0, False),
            ("reg_alpha", 1e-8, 10.0, True),
            ("reg_lambda", 1e-8, 10.0, True),
        ],
        {"n_jobs": -1, "tree_method": "hist", "enable_categorical": True},
    ),
    "catboost": (
        "CatBoostClassifier",
        [
            ("n_estimators", 50, 1000, False),
            RATE,
            ("depth", 3, 8, False),
            ("l2_leaf_reg", 0.5, 30.0, True),
            ("random_strength", 0.01, 10.0, True),
            ("rsm", 0.4, 1.0, False),
        ],
        {"thread_count": -1, "verbose": False, "allow_writing_files": False},
    ),
}


def main(library: str, train: str, val: str, trials: str) -> None:
    """Run the study, and print how long it took and what it found."""
    import optuna
    from sklearn.metrics import log_loss

    (x_train, y_train), (x_val, y_val) = _read(train), _read(val)
    name, space, fixed = EXAMPLES[library]
    classifier = getattr(import_module(library), name)
    if library == "catboost":
        fixed["cat_features"] = list(x_train.select_dtypes("category").columns)

    def objective(trial: Any) -> float:
        model = classifier(**_suggested(trial, space), **fixed)
        model.fit(x_train, y_train)
        return float(log_loss(y_val, model.predict_proba(x_val)[:, 1]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=0))
    began = time.perf_counter()
    study.optimize(objective, n_trials=int(trials))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "best": study.best_value}))


def _read(path: str) -> tuple[Any, Any]:
    """Return features and target; words are the same categories in both tables."""
    import pandas as pd

    table = pd.read_csv(path)
    for name in table.columns:
        if name.startswith("word_"):
            table[name] = pd.Categorical(table[name], [f"w{code}" for code in range(WORDS)])
    return table.drop(columns="target"), (table["target"] == "yes").astype(int)


def _suggested(trial: Any, space: Sequence[tuple[str, float, float, bool]]) -> dict[str, Any]:
    return {
        name: trial.suggest_int(name, low, high, log=log)
        if isinstance(low, int)
        else trial.suggest_float(name, low, high, log=log)
        for name, low, high, log in space
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
