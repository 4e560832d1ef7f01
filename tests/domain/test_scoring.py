"""What is scored through a C API is what the library's own package would say."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Booster, Floats, Learner, Task
from mlsys.domain.learners.matrices import as_float32
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.catboost import feature_data
from mlsys.domain.scoring.library import open_library
from mlsys.domain.scoring.table import load_booster
from tests.domain.learning import (
    BINARY,
    CATEGORY,
    CLOSE,
    REGRESSION,
    SIGNAL,
    UNKNOWN,
    altered,
    examples,
    fit,
)


def odd_rows(task: Task) -> Floats:
    """Rows with gaps, unknown categories, and numbers that are too large for 32 bits."""
    rows = altered(examples(task, seed=1, rows=300), CATEGORY, UNKNOWN, every=3)
    rows = altered(rows, SIGNAL, 1e300, every=7)
    matrix = altered(rows, SIGNAL, -0.0, every=11).matrix
    matrix[5] = np.nan
    return matrix


def test_lightgbm_scores_are_those_of_its_package(task: Task) -> None:
    from lightgbm import Booster as Theirs

    ours, content, rows = fitted(ModelType.LIGHTGBM, task)
    theirs = Theirs(model_str=content.decode())

    expected = theirs.predict(rows, num_threads=1)
    shares = np.asarray(theirs.predict(rows, num_threads=1, pred_contrib=True))
    assert_bit_equal(ours, rows, np.asarray(expected), shares)
    assert ours.rounds == theirs.current_iteration()
    np.testing.assert_array_equal(ours.importance(), theirs.feature_importance("gain"))


def test_xgboost_scores_are_those_of_its_package(task: Task) -> None:
    import xgboost

    ours, content, rows = fitted(ModelType.XGBOOST, task)
    theirs = xgboost.Booster({"nthread": 1})
    theirs.load_model(bytearray(content))

    expected = np.asarray(theirs.inplace_predict(as_float32(rows)), dtype=np.float64)
    table = xgboost.DMatrix(
        as_float32(rows), feature_types=theirs.feature_types, enable_categorical=True
    )
    shares = theirs.predict(table, pred_contribs=True).reshape(*expected.shape, 5)
    assert_bit_equal(ours, rows, expected, ours.contributions(rows))
    np.testing.assert_allclose(ours.contributions(rows), shares, rtol=CLOSE, atol=CLOSE)
    assert ours.rounds == theirs.num_boosted_rounds()
    gains = theirs.get_score(importance_type="total_gain")
    assert ours.importance().tolist() == [gains.get(f"f{place}", 0.0) for place in range(4)]


def test_catboost_scores_are_those_of_its_package(task: Task) -> None:
    from mlsys.domain.scoring.catboost_package import CatBoost, Pool

    ours, content, rows = fitted(ModelType.CATBOOST, task)
    theirs = CatBoost().load_model(blob=content)
    numbers = [place for place in range(4) if place != CATEGORY]
    words = ["missing" if np.isnan(code) else str(int(code)) for code in rows[:, CATEGORY]]
    narrow = np.clip(rows[:, numbers], -3.4028235e38, 3.4028235e38).astype(np.float32)
    cells = [[*map(float, row), word] for row, word in zip(narrow, words, strict=True)]
    pool = Pool(cells, cat_features=[3])

    kind = "RawFormulaVal" if task.kind == "regression" else "Probability"
    expected = theirs.predict(pool, prediction_type=kind, thread_count=1)
    shares = theirs.get_feature_importance(pool, type="ShapValues", thread_count=1)
    reordered = shares[..., np.argsort([*numbers, CATEGORY, 4])]
    assert_bit_equal(ours, rows, expected[:, 1] if task == BINARY else expected, reordered)


@pytest.mark.parametrize("model_type", ModelType)
def test_contributions_add_up_to_the_raw_score_of_the_package(
    model_type: ModelType, task: Task
) -> None:
    train = examples(task)
    if task == REGRESSION:
        train = replace(train, target=1e5 + 1e3 * train.target)
    content = fit(learner(model_type), task, train=train, rounds=100).to_bytes()
    booster, rows = load_booster(model_type, content, task=task), odd_rows(task)

    sums = booster.contributions(rows).sum(axis=-1)

    raw = raw_scores(model_type, content, rows)
    assert np.abs(raw).max() > 1
    np.testing.assert_allclose(sums, raw, rtol=1e-6, atol=1e-6)


def raw_scores(model_type: ModelType, content: bytes, rows: Floats) -> Floats:
    """Ask a library's own package what it says before a probability is made of it."""
    if model_type is ModelType.LIGHTGBM:
        from lightgbm import Booster as Theirs

        return np.asarray(Theirs(model_str=content.decode()).predict(rows, raw_score=True))
    if model_type is ModelType.XGBOOST:
        import xgboost

        theirs = xgboost.Booster({"nthread": 1})
        theirs.load_model(bytearray(content))
        narrow = as_float32(rows)
        return np.asarray(theirs.inplace_predict(narrow, predict_type="margin"), dtype=np.float64)
    from mlsys.domain.scoring.catboost_package import CatBoost, Pool

    names = CatBoost().load_model(blob=content).feature_names_
    places = [int(name) for name in names]
    pool = Pool(feature_data(rows, places[:3], places[3:]))
    return np.asarray(CatBoost().load_model(blob=content).predict(pool))


def fitted(model_type: ModelType, task: Task) -> tuple[Booster, bytes, Floats]:
    """Fit a small model, and load it as serving would."""
    content = fit(learner(model_type), task).to_bytes()
    return load_booster(model_type, content, task=task), content, odd_rows(task)


def assert_bit_equal(ours: Booster, rows: Floats, scores: Floats, shares: Floats) -> None:
    """Compare all rows at once, and each alone."""
    shares = shares.reshape(*scores.shape, 5)
    np.testing.assert_array_equal(ours.predict(rows), scores)
    np.testing.assert_array_equal(ours.contributions(rows), shares)
    for place in range(0, len(rows), 5):
        one = slice(place, place + 1)
        np.testing.assert_array_equal(ours.predict(rows[one]), scores[one])
        assert ours.predict_row(rows[place].tolist()) == scores[one].ravel().tolist()
    np.testing.assert_array_equal(ours.contributions(rows[5:6]), shares[5:6])


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("columns", [3, 5])
def test_rows_of_another_width_are_refused(library: Learner, rows: int, columns: int) -> None:
    booster = fit(library, BINARY)

    for told in (booster.predict, booster.contributions):
        with pytest.raises(InvalidInput, match=re.escape(f"takes (n, 4), got ({rows}, {columns})")):
            told(np.zeros((rows, columns)))


@pytest.mark.parametrize("columns", [0, 3, 5])
def test_a_row_of_another_length_is_refused(library: Learner, columns: int) -> None:
    booster = fit(library, BINARY)

    with pytest.raises(InvalidInput, match=f"takes rows of 4, got {columns}"):
        booster.predict_row([0.0] * columns)


def test_many_threads_may_use_one_model(library: Learner, task: Task) -> None:
    booster, rows = fit(library, task), odd_rows(task)
    scores, shares = booster.predict(rows), booster.contributions(rows)

    def differing(thread: int) -> int:
        wrong = 0
        for place in range(thread, len(rows), 4):
            one = slice(place, place + 1)
            wrong += not np.array_equal(booster.predict(rows[one]), scores[one])
            wrong += not np.array_equal(booster.contributions(rows[one]), shares[one])
            wrong += not np.array_equal(booster.predict(rows[place:]), scores[place:])
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(differing, range(4))) == [0, 0, 0, 0]


GROWTH = """
import os, sys
from pathlib import Path
import numpy as np
from mlsys.domain.learners.base import Task
from mlsys.domain.choices import ModelType
from mlsys.domain.scoring.table import load_booster

def load():
    booster = load_booster(ModelType(sys.argv[1]), content, task=Task("binary", 2))
    booster.predict(np.ones((1, 4)))
    return booster

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

content = Path(sys.argv[2]).read_bytes()
load()
at_first = resident_bytes()
for _ in range(100):
    load()
dropped = resident_bytes()
kept = [load() for _ in range(100)]
print(dropped - at_first, resident_bytes() - dropped)
"""


def test_a_model_that_nobody_holds_gives_its_memory_back(
    model_type: ModelType, library: Learner, tmp_path: Path
) -> None:
    file = tmp_path / "model"
    file.write_bytes(fit(library, BINARY, rounds=100).to_bytes())

    child = subprocess.run(
        [sys.executable, "-c", GROWTH, model_type.value, file],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    dropped, kept = map(int, child.stdout.split())
    assert dropped < kept / 4


def test_a_library_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(ImportError, match=r"install mlsys\[learners\]"):
        open_library("no_such_package", "libnone", {}, last_error="NoError")


def test_a_library_that_lacks_a_function_says_which_and_what_to_install() -> None:
    with pytest.raises(ImportError, match=r"lacks LGBM_Absent: install the version of lightgbm"):
        open_library(
            *("lightgbm", "lib_lightgbm", {"LGBM_Absent": ()}), last_error="LGBM_GetLastError"
        )
