"""`mlsys upload`: drop a file, or several that are one table."""

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Exit, Option, Typer

from mlsys.cli.command import FAILED, Session, command, talk

app = Typer()


@command(app)
def upload(
    session: Session,
    files: Annotated[list[Path], Argument(metavar="FILE|DIR...", exists=True)],
    *,
    entity: Annotated[str, Option(help="The dataset that the file belongs to.")],
    batch: Annotated[
        str | None, Option(help="Drop several files, or those of a folder, as one table.")
    ] = None,
    wait: Annotated[bool, Option("--wait", help="Wait for the split, and print it.")] = False,
    timeout: Annotated[float, Option(min=0, help="How many seconds to wait.")] = 600,
) -> None:
    """Drop a file into the uploads bucket.

    A table, or the dataset.json that says how the tables of its dataset are checked and split.
    """
    from mlsys.cli import shown
    from mlsys.cli.output import print_one, write
    from mlsys.domain.split_records import SplitStatus

    client = session.client
    if batch is not None:
        dropped = client.upload_batch(files, entity=entity, batch=batch)
        file, what = f"{batch}/_SUCCESS", f"batch {batch}"
    elif len(files) == 1 and files[0].is_file():
        if wait and files[0].name == "dataset.json":
            raise BadParameter("dataset.json is not split, so there is nothing to wait for")
        dropped = client.upload(files[0], entity=entity)
        file, what = files[0].name, f"{dropped.size_bytes} bytes"
    else:
        raise BadParameter("several files, or a folder, are one table: name it with --batch")
    if not wait:
        talk(f"dropped {what}; it is split as soon as the platform runs")
        write(dropped.uri)
        return
    split = client.wait_for_split(
        entity, file, generation=dropped.generation, timeout_seconds=timeout
    )
    print_one(split, shown.SPLIT, format=session.format)
    if split.status is not SplitStatus.READY:
        shown.tell_failure(split.id, split.status, split.failure)
        raise Exit(FAILED)
