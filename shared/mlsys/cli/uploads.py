"""`mlsys upload`: drop a file."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, Typer

from mlsys.cli.command import FAILED, Session, command, talk

app = Typer()


@command(app)
def upload(
    session: Session,
    file: Annotated[Path, Argument(exists=True, dir_okay=False, readable=True)],
    *,
    entity: Annotated[str, Option(help="The dataset that the file belongs to.")],
    wait: Annotated[bool, Option("--wait", help="Wait for the split, and print it.")] = False,
    timeout: Annotated[float, Option(min=0, help="How many seconds to wait.")] = 600,
) -> None:
    """Drop a file into the uploads bucket.

    A table, or the dataset.json that says how the tables of its dataset are checked and split.
    """
    from mlsys.cli import shown
    from mlsys.cli.output import print_one, write
    from mlsys.domain.records import SplitStatus

    if not wait:
        dropped = session.client.upload(file, entity=entity)
        talk(f"dropped {dropped.size_bytes} bytes; it is split as soon as the platform runs")
        write(dropped.uri)
        return
    split = session.client.upload(file, entity=entity, wait=True, timeout_seconds=timeout)
    print_one(split, shown.SPLIT, format=session.format)
    if split.status is not SplitStatus.READY:
        shown.tell_failure(split.id, split.status, split.failure)
        raise Exit(FAILED)
