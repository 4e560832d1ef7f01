"""What all commands share: where the platform is, how to print, and how to fail."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, Self

from typer import Argument, BadParameter, Exit, Option, Typer, echo

import mlsys
from mlsys.domain.errors import InvalidInput, MlsysError, NotFound, Refused

P = ParamSpec("P")

FAILED, REFUSED, NOT_FOUND = 1, 3, 4
BROKEN_PIPE = 128 + 13
EXTRAS = {
    "httpx": "cli",
    "rich": "cli",
    "google": "gcp",
    "matplotlib": "plots",
    "optuna_dashboard": "dashboard",
}


class Format(StrEnum):
    """How data are printed."""

    TABLE = "table"
    JSON = "json"


def is_there(file: Path | None) -> Path | None:
    """What Typer's `exists` and `allow_dash` do together, were they to know a Path of `-`."""
    if file is None or str(file) == "-" or file.is_file():
        return file
    raise BadParameter(f"{file} is no file")


Input = Annotated[Path, Argument(callback=is_there, help="A file, or - for standard input.")]
Limit = Annotated[int, Option(min=1, help="How many at most.")]
Url = Annotated[str | None, Option("--url", help="A deployment. [MLSYS_URL]", show_default=False)]
Home = Annotated[
    Path | None, Option("--home", help="A platform's folder here. [MLSYS_HOME]", show_default=False)
]
Printed = Annotated[Format, Option("--format", help="How to print data.", case_sensitive=False)]


class Session:
    """One command's platform, and how its answer is to be printed."""

    def __init__(self, *, url: str | None, home: Path | None, format: Format) -> None:
        self.format = format
        self._url = url
        self._home = home

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "client" in vars(self):
            self.client.close()

    @cached_property
    def place(self) -> str | Path:
        """A URL or a home: what the command says, else what the environment says."""
        from mlsys.settings import settings_from

        if self._url is not None and self._home is not None:
            raise BadParameter("--url is a deployment, --home a folder of this machine: give one")
        settings = settings_from()
        return self._url or self._home or settings.url or settings.home

    @cached_property
    def client(self) -> "mlsys.Client":
        """The platform's client."""
        from mlsys.sdk.client import Client

        return Client(self.place) if isinstance(self.place, str) else Client.local(self.place)


def command(app: Typer) -> Callable[[Callable[Concatenate[Session, P], None]], None]:
    """Add a command that also takes --url, --home and --format, and gets a `Session` of them."""

    def add(run: Callable[Concatenate[Session, P], None]) -> None:
        def called(url: str | None, home: Path | None, format: Format, **own: Any) -> None:
            with failures_told(), Session(url=url, home=home, format=format) as session:
                run(session, **own)  # type: ignore[call-arg]  # Typer checked them

        _, *own = inspect.signature(run).parameters.values()
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter("url", keyword, default=None, annotation=Url),
            inspect.Parameter("home", keyword, default=None, annotation=Home),
            inspect.Parameter("format", keyword, default=Format.TABLE, annotation=Printed),
        ]
        own = [one.replace(kind=keyword) for one in own]
        called.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        called.__doc__ = inspect.getdoc(run)
        app.command(run.__name__.strip("_"))(called)

    return add


@contextmanager
def failures_told() -> Iterator[None]:
    """Say in a line what went wrong, and exit with its code; our own faults keep a traceback."""
    try:
        yield
    except MlsysError as error:
        _tell(error)
        raise Exit(_exit_code(error)) from error
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package == "mlsys":
            raise
        extra = EXTRAS.get(package, "local")
        talk(f"mlsys: this needs {package}, which is not installed: pip install 'mlsys[{extra}]'")
        raise Exit(FAILED) from error
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(BROKEN_PIPE) from error
    except OSError as error:
        talk(f"mlsys: {error.filename or 'this machine'}: {error.strerror or error}")
        raise Exit(FAILED) from error


def talk(text: str = "") -> None:
    """Say something that is not data."""
    echo(text, err=True)


def _tell(error: MlsysError) -> None:
    talk(f"mlsys: {error}")
    if isinstance(error, InvalidInput) and len(error.violations) > 1:
        for one in error.violations:
            talk(f"  {one.field}: {one.description}")
    if isinstance(error, Refused):
        for reason in error.reasons:
            talk(f"  {reason}")


def _exit_code(error: MlsysError) -> int:
    if isinstance(error, NotFound):
        return NOT_FOUND
    return REFUSED if isinstance(error, Refused) else FAILED
