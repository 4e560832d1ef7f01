"""What our predict function costs beside a constant, and beside what people would use instead.

`make bench-serving` prints, and judges nothing: times depend on who else uses the machine, so
believe the ratios, which are taken run by run in one interleaved run. Every server has one worker
and one thread for the model, and runs on one core; what asks it runs on another. All are checked
to say what the model says before they are measured. Who is missing here is left out, and said.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from mlsys import logs
from mlsys.domain.choices import ModelType
from mlsys.domain.learners.lean import import_lean
from mlsys.runtime import Runtime
from mlsys.settings import settings_from
from tests.benchmarks.contestants import (
    ASGI,
    MLFLOW,
    NUMPY,
    OURS,
    OURS_CLOUD,
    ROOT,
    Contestant,
    Places,
)
from tests.benchmarks.served_figures import Figures, print_table
from tests.benchmarks.served_load import warm
from tests.benchmarks.served_model import BUCKET, COLUMNS, ServedModel, served_model
from tests.benchmarks.served_pressure import print_overload, print_soak
from tests.benchmarks.served_processes import NotServed, adopt_orphans, prepare, served
from tests.benchmarks.served_starts import starts
from tests.cloud.emulators import FIRESTORE, Missing, kept_session, running
from tests.cloud.storage import storage_server

PARTS = ("cold", "warm", "overload")
PACKAGES = (
    *("functions-framework", "gunicorn", "uvicorn", "uvloop", "httptools", "starlette", "flask"),
    *("fastapi", "pydantic", "mlflow", "bentoml", "numpy", "pandas", "lightgbm", "xgboost-cpu"),
    *("catboost", "google-cloud-firestore", "google-cloud-storage"),
)
VERSIONS = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(name, version(name), end=", ")
    except PackageNotFoundError:
        pass
print("Python", sys.version.split()[0])
"""


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print it; 1 if ours is not among those measured."""
    asked = _parser().parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no server shall outlive it
    import_lean()
    logs.configure("error")
    with tempfile.TemporaryDirectory() as name, _cloud() as cloud:
        folder = Path(name)
        places = Places(asked.venv, asked.cloud_venv, folder / "home", cloud, folder)
        print(_about(asked, cores), flush=True)
        measured = []
        for library in asked.libraries:
            model = served_model(ModelType(library), rows=asked.rows, trees=asked.trees)
            for environment in places.backends.values():
                model.publish(Runtime(settings_from(environment)))
            measured.append(_measure(model, places, asked, core=cores[0]))
    return 0 if all(measured) else 1


def _measure(model: ServedModel, places: Places, asked: argparse.Namespace, *, core: int) -> bool:
    """Measure who serves a model rightly; tell whether ours does."""
    trees = model.model.booster.rounds
    print(f"\n=== {model.name}: {trees} trees learnt from {asked.rows} rows of {COLUMNS} columns")
    folder = places.folder
    contestants = [
        one
        for one in places.contestants(model, only=asked.only)
        if _is_right(one, model, folder, core=core)
    ]
    names = {one.name for one in contestants}
    measured: list[Figures] = []
    if "cold" in asked.parts:
        for evicted in (False, True):
            measured += _printed(
                starts(
                    contestants, model, folder, repeats=asked.repeats, core=core, evicted=evicted
                )
            )
    with ExitStack() as stack:
        servers = [
            stack.enter_context(served(one, folder / f"{place}.log", core=core))
            for place, one in enumerate(contestants)
        ]
        for server in servers:
            server.answered_after(model, rows=1)
        if "warm" in asked.parts:
            measured += _printed(warm(servers, model, repeats=asked.repeats, seconds=asked.seconds))
        print_table(measured)
        if "overload" in asked.parts:
            print_overload(servers, model, seconds=asked.seconds)
        for server in servers:
            if asked.soak and server.contestant.name in asked.soaked:
                print_soak(server, model, seconds=asked.soak)
    return OURS in names or (asked.only is not None and OURS not in asked.only)


def _is_right(contestant: Contestant, model: ServedModel, folder: Path, *, core: int) -> bool:
    """Start it once, unmeasured, and compare what it says; Python also compiles what it imports."""
    try:
        prepare(contestant, folder)
        with served(contestant, folder / "check.log", core=core) as server:
            server.answered_after(model, rows=1)
            server.answered_after(model, rows=len(model.rows))
    except NotServed as error:
        print(f"{contestant.name}: left out, it {error}", flush=True)
        return False
    return True


def _printed(measured: list[Figures]) -> list[Figures]:
    for figures in measured:
        figures.print_beside(ASGI, [MLFLOW, NUMPY], ours=OURS)
    return measured


@contextmanager
def _cloud() -> Iterator[dict[str, str] | None]:
    """Run what stands in for Google Cloud, if it is there; give the environment of its users."""
    with kept_session() as session, storage_server(BUCKET) as storage:
        try:
            address = running(FIRESTORE, session)
        except Missing as missing:
            print(f"{OURS_CLOUD}: left out, {missing}")
            yield None
            return
        found = {FIRESTORE.variable: address, "STORAGE_EMULATOR_HOST": storage.url}
        os.environ.update(found)
        yield {
            "MLSYS_BACKEND": "gcp",
            "MLSYS_PROJECT": f"bench-{uuid4().hex[:12]}",
            **found,
        }


def _about(asked: argparse.Namespace, cores: Sequence[int]) -> str:
    wrk = shutil.which("wrk")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return "\n".join(
        [
            f"{platform.platform()}, {len(cores)} cores, load {load}",
            f"servers on core {cores[0]}, one worker and one thread for the model each",
            f"all else, emulators included, on core {cores[-1]}",
            f"closed loops by {wrk or 'a client in Python, for want of wrk'}, open ones in Python",
            f"median of {asked.repeats} interleaved runs (min to max)",
            f"bench: {_versions(Path(sys.executable))}",
            *(
                f"{venv.name}: {_versions(venv / 'bin' / 'python')}"
                for venv in (asked.venv, asked.cloud_venv, *sorted(ROOT.glob(".venv-peers-*")))
                if venv.exists()
            ),
        ]
    )


def _versions(python: Path) -> str:
    command = [str(python), "-c", VERSIONS, *PACKAGES]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-serving", description=__doc__)
    libraries = [ModelType.LIGHTGBM.value, ModelType.XGBOOST.value, ModelType.CATBOOST.value]
    parser.add_argument("--libraries", nargs="*", choices=libraries, default=libraries)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--only", nargs="*", help="contestants by name, default: all")
    parser.add_argument("--rows", type=int, default=20_000, help="that are learnt")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run of load")
    parser.add_argument(
        "--soak", type=float, default=0.0, metavar="SECONDS", help="of a soak at 80 %%"
    )
    parser.add_argument("--soaked", nargs="*", default=[OURS], help="contestants by name")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv-serve", help="of ours")
    parser.add_argument(
        "--cloud-venv", type=Path, default=ROOT / ".venv-gcp-serve", help="of ours on Google Cloud"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
