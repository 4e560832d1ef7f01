"""What every fitted model promises. What may kill a process runs in one of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import Corrupt
from mlsys.domain.learners.base import Floats, Learner, Task
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.table import load_booster
from tests.domain.learning import (
    BINARY,
    CATEGORY,
    CLOSE,
    CONSTANT,
    NOISE,
    SIGNAL,
    UNKNOWN,
    altered,
    as_probability,
    examples,
    fit,
    loss_of,
    watching,
)


def test_contributions_and_base_sum_to_the_raw_score(library: Learner, task: Task) -> None:
    rows = altered(examples(task, seed=1), CATEGORY, UNKNOWN, every=3)
    booster = fit(library, task, train=examples(task, missing=False))

    shares = booster.contributions(rows.matrix)

    classes = (3,) if task.kind == "multiclass" else ()
    assert shares.shape == (600, *classes, 5)
    assert shares.dtype == np.float64
    assert as_probability(task, shares.sum(axis=-1)) == pytest.approx(
        booster.predict(rows.matrix), rel=CLOSE, abs=CLOSE
    )
    moved = np.ptp(shares.reshape(-1, 5), axis=0)
    assert min(moved[SIGNAL], moved[CATEGORY]) > moved[NOISE] > moved[CONSTANT] == 0
    assert (np.ptp(shares[..., -1], axis=0) == 0).all()


@pytest.mark.parametrize("categories", [True, False])
def test_importance_names_each_feature_in_our_order(
    library: Learner, task: Task, *, categories: bool
) -> None:
    train = examples(task, categories=categories, missing=False)

    importance = fit(library, task, train=train).importance()

    assert importance.shape == (4,)
    assert importance[CONSTANT] == 0
    assert importance[SIGNAL] > importance[NOISE]
    assert importance[CATEGORY] > importance[NOISE]


@pytest.mark.parametrize("value", [np.nan, 1e300, -1e300, 2.0**24 + 1])
def test_any_number_can_be_predicted(library: Learner, task: Task, value: float) -> None:
    rows = altered(examples(task), SIGNAL, value)
    booster = fit(library, task)

    assert np.isfinite(booster.predict(rows.matrix)).all()
    assert np.isfinite(booster.contributions(rows.matrix)).all()


def test_rows_are_scored_alike_alone_and_together_however_they_lie_in_memory(
    library: Learner, task: Task
) -> None:
    matrix = examples(task, seed=1).matrix
    wide = np.repeat(np.repeat(matrix, 2, axis=0), 2, axis=1)
    booster = fit(library, task)

    def scored(rows: Floats) -> list[Floats]:
        return [booster.predict(rows), booster.contributions(rows)]

    expected = scored(matrix)
    for laid in (np.asfortranarray(matrix), wide[::2, ::2], wide[::-2, ::2][::-1]):
        for ours, theirs in zip(scored(laid), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(scored(matrix[5:6]), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs[5:6])
    for ours, theirs in zip(scored(matrix[:0]), expected, strict=True):
        assert ours.shape == (0, *theirs.shape[1:])


def test_nothing_is_written_anywhere(
    model_type: ModelType,
    task: Task,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    library = learner(model_type)
    val = examples(task, seed=1)

    booster = fit(library, task, val=val, monitor=watching(loss_of(task), [], patience=2))
    reloaded = load_booster(model_type, booster.to_bytes(), task=task)
    reloaded.predict(val.matrix)
    reloaded.contributions(val.matrix)
    reloaded.importance()

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x04pickle"])
def test_what_is_no_model_is_corrupt(model_type: ModelType, content: bytes) -> None:
    with pytest.raises(Corrupt, match="no model file"):
        load_booster(model_type, content, task=BINARY)


LOAD_DAMAGED = """
import sys
from pathlib import Path
from mlsys.domain.errors import Corrupt
from mlsys.domain.learners.base import Task
from mlsys.domain.choices import ModelType
from mlsys.domain.scoring.table import load_booster

try:
    load_booster(ModelType(sys.argv[1]), Path(sys.argv[2]).read_bytes(), task=Task("binary", 2))
except Corrupt as error:
    sys.exit(f"Corrupt: {error}")
"""


def test_a_damaged_model_that_its_library_notices_is_corrupt(
    model_type: ModelType, library: Learner, tmp_path: Path
) -> None:
    file = tmp_path / "model"
    file.write_bytes(fit(library, BINARY).to_bytes()[:12])

    child = subprocess.run(
        [sys.executable, "-c", LOAD_DAMAGED, model_type.value, file],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert child.returncode == 1
    assert "Corrupt: " in child.stderr
    assert "cannot read the model" in child.stderr
