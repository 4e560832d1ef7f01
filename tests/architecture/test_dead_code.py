"""No code that nothing uses, told by vulture. What only tests use is dead, too.

What a library reads or calls is alive without being named: fields of pydantic models, members of
enumerations, methods that override a foreign base. Anything else needs an excuse, with its reason.
"""

import importlib
import inspect
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel
from vulture import Vulture

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "shared" / "mlsys"
DEPLOYED = [LIBRARY, ROOT / "functions", ROOT / "jobs"]
TESTS = [ROOT / "tests", ROOT / "conftest.py", ROOT / ".ci"]

CALLED_BY_LIBRARIES = [
    *("@*_validator*", "@*_serializer*", "@computed_field*"),
    *("@functions_framework.*", "@pytest.*", "@command", "@*.command*", "@*.callback*"),
    *("@given*", "@rule*", "@invariant*", "@initialize*", "@precondition*"),
]
NAMES_OF_LIBRARIES = [
    *("model_config", "pytest_*", "test_*", "Test*"),
    *("do_*", "log_message", "should_exit", "traceback"),  # http.server, uvicorn, __exit__
    *("handle_*tag", "handle_data", "seekable"),  # html.parser, io
    *("intercept_*", "trailing_metadata", "after_iteration"),  # grpc, CatBoost
    *("connection_made", "connection_lost", "data_received", "load_context"),  # asyncio, MLflow
    *("background", "handle_request"),  # Starlette, httpx
    *("response_complete", "timeout_keep_alive"),  # uvicorn
    *("argtypes", "atexit", "errcheck", "restype"),  # ctypes, weakref
    "collect_ignore_glob",  # pytest
    "*_emulator",  # fixtures asked for because of what they start
]

EXCUSED = {
    "table_source": "a promise of Objects, which batch predictions will use",
    "storage_options": "belongs to table_source",
    "__getattr__": "Python calls it: `from mlsys import Client`",
    "__class__": "a test changes what an object is",
    "mlsys": "an annotation in quotes names it",
    "__signature__": "Typer reads it",
    "__spec__": "Python's imports read it",
    "pytestmark": "pytest reads it",
    "teardown": "Hypothesis calls it",
}


def test_nothing_is_deployed_that_nothing_uses() -> None:
    unused = _unused(DEPLOYED)

    assert [where for where, name in unused if name not in EXCUSED] == []


def test_nothing_in_the_tests_is_left_behind() -> None:
    unused = _unused([*DEPLOYED, *TESTS])

    assert [where for where, name in unused if name not in EXCUSED] == []


def test_every_excuse_is_needed() -> None:
    unused = {name for paths in (DEPLOYED, [*DEPLOYED, *TESTS]) for _, name in _unused(paths)}

    assert set(EXCUSED) - unused == set()


def test_code_that_nothing_uses_is_found(tmp_path: Path) -> None:
    module = tmp_path / "forgotten.py"
    module.write_text('def left_behind() -> None:\n    """Nobody calls this."""\n')

    assert [name for _, name in _unused([module])] == ["left_behind"]


def _unused(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Return where it stands and its name, for each thing that is not used below `paths`."""
    vulture = Vulture(ignore_names=NAMES_OF_LIBRARIES, ignore_decorators=CALLED_BY_LIBRARIES)
    vulture.scavenge([str(path) for path in paths])
    alive = set(_used_by_libraries()) if LIBRARY in paths else set()
    return [
        (f"{one.filename}:{one.first_lineno}: {one.message}", one.name)
        for one in vulture.get_unused_code(min_confidence=60)
        if (Path(one.filename), one.name) not in alive
    ]


def _used_by_libraries() -> Iterator[tuple[Path, str]]:
    for file in sorted(LIBRARY.rglob("*.py")):
        parts = file.relative_to(LIBRARY.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        module = importlib.import_module(name)
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == name:
                yield from ((file, one) for one in _names_used(kind))


def _names_used(kind: type) -> Iterator[str]:
    if issubclass(kind, BaseModel):
        yield from kind.model_fields
    elif issubclass(kind, Enum):
        yield from kind.__members__
    elif Protocol in kind.__bases__:
        for method in vars(kind).values():
            if inspect.isfunction(method):
                yield from inspect.signature(method).parameters
    foreign = [base for base in kind.__mro__ if not base.__module__.startswith("mlsys")]
    inherited = {name for base in foreign for name in vars(base)}
    yield from inherited & set(vars(kind))
