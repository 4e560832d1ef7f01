"""What an image leaves out changes no score, and nothing that lies in a cache."""

import os
import subprocess
from pathlib import Path

import pytest

from image import packages, sizes
from lighten import lighten, without_gpu_code, without_symbols
from mlsys.domain.choices import ModelType
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.table import FILE_NAMES
from tests.domain.learning import BINARY, fit

ROOT = Path(__file__).parents[2]
SCORES = """
import sys
from pathlib import Path

import numpy as np

from mlsys.domain.learners.base import Task
from mlsys.domain.choices import ModelType
from mlsys.domain.scoring.table import load_booster

content = Path(sys.argv[2]).read_bytes()
booster = load_booster(ModelType(sys.argv[1]), content, task=Task("binary", 2))
rows = np.random.default_rng(7).normal(size=(500, 4))
rows[::7, 2] = np.nan
print(booster.predict(rows).tobytes().hex(), booster.contributions(rows).tobytes().hex())
"""


@pytest.mark.parametrize("model_type", ModelType)
def test_scores_from_an_image_are_those_of_the_libraries_to_the_bit(
    model_type: ModelType, tmp_path: Path
) -> None:
    file = tmp_path / FILE_NAMES[model_type]
    file.write_bytes(fit(learner(model_type), BINARY, rounds=30).to_bytes())

    shipped, published = (_scores(name, model_type, file) for name in ("image-serve", "serve"))

    assert len(shipped) > 500 * 2 * 8
    assert shipped == published


def test_what_serves_is_a_fraction_of_what_is_published() -> None:
    lightened, published = (sizes(_environment(name)) for name in ("image-serve", "gcp-serve"))

    assert lightened["catboost"] < published["catboost"] / 4
    assert "scipy" in published
    assert "scipy" not in lightened
    assert not list(packages(_environment("image-serve")).glob("numpy/**/tests"))
    assert lightened.total() < 250 << 20


def test_what_is_light_stays_as_it_is() -> None:
    [library] = packages(_environment("image-serve")).glob("catboost/_catboost*.so")
    light = library.read_bytes()

    assert without_symbols(without_gpu_code(light)) == light


def test_a_file_that_others_share_is_not_written_to(tmp_path: Path) -> None:
    [published] = packages(_environment("gcp-serve")).glob("uvloop/loop*.so")
    cached, installed = tmp_path / "cached.so", tmp_path / "packages" / "loop.so"
    cached.write_bytes(published.read_bytes())
    installed.parent.mkdir()
    os.link(cached, installed)

    left_out = lighten(installed.parent)

    assert cached.read_bytes() == published.read_bytes()
    assert sum(left_out.values()) == cached.stat().st_size - installed.stat().st_size > 0


def _scores(environment: str, model_type: ModelType, file: Path) -> str:
    python = _environment(environment) / "bin" / "python"
    return subprocess.run(
        [str(python), "-c", SCORES, model_type.value, str(file)],
        env={},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _environment(name: str) -> Path:
    folder = ROOT / f".venv-{name}"
    if not folder.exists():
        pytest.fail(f"there is no {folder.name}: run `make envs`")
    return folder
