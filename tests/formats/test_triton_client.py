"""The protocol's own client, Triton's, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from mlsys.dev.platform import Platform
from tests.formats.asking import Predictor, rows_for
from tests.homes import copy_home

NAMES = ["size", "colour", "noise"]


@pytest.fixture(scope="module")
def client(
    trained_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[triton.InferenceServerClient]:
    home = tmp_path_factory.mktemp("triton") / "home"
    copy_home(trained_home, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLSYS_LOG_LEVEL", "error")
        with Platform(home) as platform:
            client = triton.InferenceServerClient(platform.url.removeprefix("http://"))
            yield client
            client.close()


def column(name: str, values: np.ndarray, datatype: str) -> triton.InferInput:
    """Write a column as JSON."""
    tensor = triton.InferInput(name, list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=False)
    return tensor


def columns(table: pl.DataFrame) -> list[triton.InferInput]:
    return [
        column("size", table["size"].cast(pl.Float64).to_numpy(), "FP64"),
        column("colour", np.array(table["colour"].to_list(), dtype=np.object_), "BYTES"),
        column("noise", table["noise"].cast(pl.Int64).to_numpy(), "INT64"),
    ]


def test_the_client_finds_the_server_and_the_model_ready(
    client: triton.InferenceServerClient,
) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("lightgbm")
    assert client.is_model_ready("lightgbm", model_version="2")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata()["name"] == "mlsys"
    told = client.get_model_metadata("lightgbm")
    assert {one["name"]: one["datatype"] for one in told["inputs"]} == {
        "size": "FP64",
        "colour": "BYTES",
        "noise": "FP64",
    }


def test_the_client_gets_what_our_own_format_answers(
    client: triton.InferenceServerClient, predictor: Predictor, held_out: pl.DataFrame
) -> None:
    table = held_out.drop_nulls(NAMES)

    found = client.infer("lightgbm", columns(table), request_id="mine")

    wanted = predictor.predicted("lightgbm", rows_for("lightgbm", table))
    probabilities = [list(one["probabilities"].values()) for one in wanted]
    assert table.height > 10
    assert found.get_response()["id"] == "mine"
    assert found.as_numpy("prediction").tolist() == [one["prediction"] for one in wanted]
    assert found.as_numpy("probability").tolist() == [one["probability"] for one in wanted]
    assert found.as_numpy("probabilities").tolist() == probabilities


def test_the_client_gets_the_outputs_it_asks_for(
    client: triton.InferenceServerClient, held_out: pl.DataFrame
) -> None:
    asked = [triton.InferRequestedOutput("probability")]

    found = client.infer("lightgbm", columns(held_out.drop_nulls(NAMES)), outputs=asked)

    assert found.as_numpy("probability") is not None
    assert found.as_numpy("prediction") is None


def test_the_client_shows_every_problem(client: triton.InferenceServerClient) -> None:
    wrong = [column("size", np.array([True, False]), "BOOL")]

    with pytest.raises(InferenceServerException) as caught:
        client.infer("lightgbm", wrong)

    assert caught.value.message().splitlines() == [
        "inputs[0].data[0]: expected a number, got true",
        "inputs.noise: expected a number, got no such column",
        "inputs[0].data[1]: expected a number, got false",
    ]


def test_the_client_is_told_that_tensors_are_json(client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("size", [1], "FP64")
    tensor.set_data_from_numpy(np.array([1.0]))

    with pytest.raises(InferenceServerException, match="binary_data=False"):
        client.infer("lightgbm", [tensor])
