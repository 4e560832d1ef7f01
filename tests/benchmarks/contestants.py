"""Who is compared by tests/benchmarks/serving.py: how each is started, asked and understood."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isclose
from operator import itemgetter
from pathlib import Path
from typing import Any

from mlsys.domain.choices import ModelType
from tests.benchmarks.served_model import ServedModel

ROOT = Path(__file__).parents[2]
SERVERS = Path(__file__).with_name("servers")
PACKAGE = "tests.benchmarks.servers"
PREDICT = ROOT / "functions" / "predict"
TOLERANCE = 1e-6

OURS, OURS_CLOUD = "ours, files", "ours, cloud adapters"
FLASK, ASGI, BARE = "a constant, Flask", "a constant, ASGI", "a constant, uvicorn"
MLFLOW, BENTOML = "MLflow models serve", "BentoML"
PANDAS, NUMPY = "FastAPI + pandas", "FastAPI + numpy"

CONSTANT = b'{"predictions":[0.5]}'
LISTEN = ("--host", "127.0.0.1", "--port", "{port}")
LEAN = (
    *("--log-level", "warning", "--no-access-log", "--lifespan", "off", "--ws", "none"),
    *("--no-proxy-headers", "--no-server-header"),
)
MLFLOW_ONE = ("--workers", "1", "--env-manager", "local")
# A core of one's own is no use to more threads; unasked, LightGBM takes the whole machine.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Json = Any


@dataclass(frozen=True)
class Contestant:
    """One server. Where it listens replaces `{port}`; `wrap` makes a body of rows.

    `scores` reads an answer; without, it is the constant that servers/constant.py answers. What
    `before` says has to run once, before the first start.
    """

    name: str
    venv: Path
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    path: str
    wrap: Callable[[Json], Json]
    scores: Callable[[Json], list[float]] | None
    before: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return str(self.venv / "bin" / "python")

    @property
    def is_installed(self) -> bool:
        """Whether its environment was made."""
        return Path(self.python).exists()

    def command(self, port: int) -> list[str]:
        """Say what starts it."""
        return [self.python, *(one.replace("{port}", str(port)) for one in self.arguments)]

    def environment(self, port: int = 0) -> dict[str, str]:
        """All variables that it gets."""
        own = {name: one.replace("{port}", str(port)) for name, one in self.variables.items()}
        return {
            "PATH": f"{self.venv / 'bin'}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "PYTHONPATH": str(ROOT),
            **ONE_THREAD,
            **own,
        }

    def body(self, model: ServedModel, rows: int) -> bytes:
        """Ask for so many of the model's rows."""
        return json.dumps(self.wrap(model.rows[:rows])).encode()

    def is_right(self, status: int, answer: bytes, model: ServedModel, rows: int) -> bool:
        """Compare with what the model itself says of these rows; constants only need to answer."""
        if status != 200:
            return False
        if self.scores is None:
            return answer == CONSTANT
        told = self.scores(json.loads(answer))
        wanted = model.scores[:rows]
        return len(told) == rows and all(
            isclose(one, other, abs_tol=TOLERANCE) for one, other in zip(told, wanted, strict=True)
        )


@dataclass(frozen=True)
class Places:
    """Where things are: environments, ours with its models, and those of other servers."""

    venv: Path
    cloud_venv: Path
    home: Path
    cloud: Mapping[str, str] | None
    folder: Path

    @property
    def backends(self) -> dict[str, Mapping[str, str]]:
        """The installations of ours, each by its environment."""
        found: dict[str, Mapping[str, str]] = {OURS: {"MLSYS_HOME": str(self.home)}}
        if self.cloud is not None:
            found[OURS_CLOUD] = self.cloud
        return found

    def contestants(
        self, model: ServedModel, *, only: Sequence[str] | None = None
    ) -> list[Contestant]:
        """Return all that can run here, or of them those of some names; who is missing is said."""
        left = self.folder / model.name
        model.leave(left)
        wanted = [*self._ours(model), *self.constants(), *self._by_hand(left)]
        if model.model_type is ModelType.LIGHTGBM:
            wanted += [self._mlflow(left), self._bento(left)]
        wanted = [one for one in wanted if only is None or one.name in only]
        for one in wanted:
            if not one.is_installed:
                print(f"{one.name}: left out, there is no {one.python}")
        return [one for one in wanted if one.is_installed]

    def constants(self) -> Iterator[Contestant]:
        """Return the floor: functions-framework with Flask and with ASGI, and uvicorn alone."""
        for name, arguments in (
            (FLASK, _function("constant.py", "--signature-type", "http")),
            (ASGI, _function("constant_asgi.py", "--asgi")),
            (BARE, ("-m", "uvicorn", f"{PACKAGE}.constant_bare:constant", *LISTEN, *LEAN)),
        ):
            yield Contestant(
                name=name,
                venv=self.venv,
                arguments=arguments,
                variables={},
                path="/",
                wrap=_plain,
                scores=None,
            )

    def _ours(self, model: ServedModel) -> Iterator[Contestant]:
        """The one place that says how ours is started: as `functions/predict` is deployed."""
        venvs = {OURS: self.venv, OURS_CLOUD: self.cloud_venv}
        for name, variables in self.backends.items():
            yield Contestant(
                name=name,
                venv=venvs[name],
                arguments=(str(PREDICT),),
                variables={
                    "MLSYS_HOST": "127.0.0.1",
                    "MLSYS_PORT": "{port}",
                    "MLSYS_DEFAULT_MODEL": model.name,  # all others know theirs at the start, too
                    **variables,
                },
                path="/v1/predict",
                wrap=partial(_of_ours, model.name),
                scores=_told,
            )

    def _by_hand(self, left: Path) -> Iterator[Contestant]:
        for name, module in ((PANDAS, "by_hand_pandas"), (NUMPY, "by_hand_numpy")):
            app = f"{PACKAGE}.{module}:app"
            yield Contestant(
                name=name,
                venv=ROOT / ".venv-peers-fastapi",
                arguments=("-m", "uvicorn", app, *LISTEN, "--log-level", "warning"),
                variables={"MODEL": str(left)},
                path="/predict",
                wrap=_plain,
                scores=_told,
            )

    def _bento(self, left: Path) -> Contestant:
        service = f"{PACKAGE}.bento:Scorer"
        return Contestant(
            name=BENTOML,
            venv=ROOT / ".venv-peers-bentoml",
            arguments=("-m", "bentoml", "serve", service, *LISTEN),
            variables={"MODEL": str(left), "BENTOML_DO_NOT_TRACK": "True"},
            path="/predict",
            wrap=_plain,
            scores=list,
        )

    def _mlflow(self, left: Path) -> Contestant:
        """MLflow serves what it has written itself."""
        saved = str(left / "mlflow")
        return Contestant(
            name=MLFLOW,
            venv=ROOT / ".venv-peers-mlflow",
            arguments=("-m", "mlflow", "models", "serve", "-m", saved, *LISTEN, *MLFLOW_ONE),
            variables={"MODEL": str(left)},
            path="/invocations",
            wrap=_split,
            scores=itemgetter("predictions"),
            before=("-m", f"{PACKAGE}.mlflow_model", saved),
        )


def _function(file: str, *mode: str) -> tuple[str, ...]:
    """Start a constant as Google Cloud does."""
    source = str(SERVERS / file)
    return (
        *("-m", "functions_framework", "--target", "constant", "--source", source),
        *(*mode, *LISTEN),
    )


def _plain(rows: Json) -> Json:
    return {"instances": rows}


def _of_ours(model: str, rows: Json) -> Json:
    return {"model": model, "instances": rows}


def _split(rows: Json) -> Json:
    columns = list(rows[0])
    return {"dataframe_split": {"columns": columns, "data": [list(row.values()) for row in rows]}}


def _told(answer: Json) -> list[float]:
    return [one["probability"] for one in answer["predictions"]]
