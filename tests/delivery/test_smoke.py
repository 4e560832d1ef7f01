"""A deployment is asked whether it works: here a predict function without models."""

import json
from pathlib import Path

import pytest

from smoke import faults
from tests.architecture.served import serving


def test_a_deployment_without_models_passes_and_cannot_predict(tmp_path: Path) -> None:
    asked = json.dumps({"model": "lightgbm", "instances": [{"size": 7}]})
    home = {"MLSYS_HOME": str(tmp_path / "home")}

    with serving("predict", "image-serve", home, tmp_path) as process:
        assert faults(process.url, "", "") == []
        [told] = faults(process.url, "", asked)

    assert told.startswith("/v1/predict answered Answer(status=404")


def test_something_else_that_answers_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = {"MLSYS_HOME": str(tmp_path / "home")}

    with serving("models", "image-serve", home, tmp_path) as process:
        told = faults(process.url, "", "")

    assert [one.split()[0] for one in told] == ["/readyz", "/version", "/v1/predict"]
    assert "version: " in capsys.readouterr().out
