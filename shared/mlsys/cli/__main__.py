"""`mlsys`, and `python -m mlsys.cli`. Imports nothing but what every command needs."""

import sys

from mlsys import __version__

INTERRUPTED = 128 + 2


def main() -> None:
    """Run one command and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        print(f"mlsys {__version__}")  # noqa: T201 - standard output is for data
        return
    try:
        from mlsys.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich", "shellingham"}:
            raise
        sys.exit(f"mlsys: the command line needs {error.name}: pip install 'mlsys[cli]'")
    except KeyboardInterrupt:  # a later one is Typer's
        sys.exit(INTERRUPTED)
    app(prog_name="mlsys")


if __name__ == "__main__":
    main()
