"""`mlsys splits`: ask for splits, look at them, describe and delete them."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option, Typer, confirm

from mlsys.cli.command import Limit, Session, command, is_there, talk

app = Typer(no_args_is_help=True)

Id = Annotated[str, Argument(metavar="SPLIT_ID", show_default=False)]
Label = Annotated[list[str], Option(help="name=value; again for another.")]


@command(app)
def create(
    session: Session,
    file: Annotated[
        Path | None,
        Argument(
            callback=is_there, help="Up to 10,000 rows: CSV, JSON or JSON lines; - for stdin."
        ),
    ] = None,
    *,
    uri: Annotated[str | None, Option(help="Instead: gs://bucket/name, or a folder/.")] = None,
    entity: Annotated[str, Option(help="The dataset that the split is of.")],
    strategy: Annotated[str, Option(help="random, stratified, group, time, hash, …")] = "random",
    param: Annotated[
        list[str], Option(help="name=value of the strategy, such as group_column=team or seed=7.")
    ] = [],  # noqa: B006 - Typer makes a new one
    contract: Annotated[
        Path | None, Option(callback=is_there, help="A JSON file with the data contract.")
    ] = None,
    label: Label = [],  # noqa: B006
    description: Annotated[str, Option(help="For people.")] = "",
    request_id: Annotated[str | None, Option(help="The same id is the same split.")] = None,
    wait: Annotated[bool, Option("--wait", help="Wait, if it takes a job.")] = False,
) -> None:
    """Split a FILE of rows, or objects in a bucket.

    The same again is the same split. Exits with 1 if it cannot be used.
    """
    from mlsys.cli.rows import read_object, read_table
    from mlsys.cli.split_params import named, nested
    from mlsys.cli.watching import print_split

    if (file is None) == (uri is None):
        raise BadParameter("want a FILE or --uri")
    split = session.client.create_split(
        entity,
        rows=None if file is None else read_table(file),
        uri=uri,
        strategy=strategy,
        params=nested(param) or None,
        contract=None if contract is None else read_object(contract),
        labels=named(label),
        description=description,
        request_id=request_id,
    )
    if wait:
        split = session.client.watch_split(split.id)
    print_split(split, format=session.format)


@command(app)
def list_(
    session: Session,
    *,
    entity: Annotated[str | None, Option(help="Only of this dataset.")] = None,
    status: Annotated[str | None, Option(help="READY, QUARANTINED, FAILED, RUNNING.")] = None,
    all: Annotated[bool, Option("--all", help="Deleted ones too.")] = False,
    limit: Limit = 100,
) -> None:
    """List splits, newest first."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_list

    found = session.client.splits(entity=entity, status=status, show_deleted=all)
    print_list(list(islice(found, limit)), shown.SPLITS, format=session.format)


@command(app)
def show(session: Session, split_id: Id) -> None:
    """Show one split."""
    _print(session, session.client.split(split_id))


@command(app)
def latest(
    session: Session, *, entity: Annotated[str, Option(help="The dataset it is of.")]
) -> None:
    """Show the newest split of a dataset that is READY."""
    _print(session, session.client.latest_split(entity))


@command(app)
def watch(session: Session, split_id: Id) -> None:
    """Say how far a split is, until it is finished.

    Then show it; exits with 1 if it cannot be used.
    """
    from mlsys.cli.watching import watch_split

    watch_split(session, split_id)


@command(app)
def update(
    session: Session,
    split_id: Id,
    *,
    label: Label = [],  # noqa: B006
    unlabel: Annotated[list[str], Option(help="Name of a label to take away.")] = [],  # noqa: B006
    description: Annotated[str | None, Option(help="For people.")] = None,
) -> None:
    """Change labels and description; the others stay."""
    from mlsys.cli.split_params import named

    labels = {**named(label), **dict.fromkeys(unlabel)}
    if not labels and description is None:
        raise BadParameter("want --label, --unlabel or --description")
    _print(
        session,
        session.client.update_split(split_id, labels=labels or None, description=description),
    )


@command(app)
def delete(
    session: Session,
    split_id: Id,
    *,
    artifacts: Annotated[
        bool, Option("--artifacts", help="Remove its files too, for ever.")
    ] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Hide a split until it is undeleted.

    Exits with 3 while an experiment that is not finished uses it.
    """
    if not yes:
        what = "and all its files, for ever" if artifacts else "until it is undeleted"
        confirm(f"Delete {split_id}, {what}?", abort=True, err=True)
    _print(session, session.client.delete_split(split_id, delete_artifacts=artifacts))
    talk("deleted")


@command(app)
def undelete(session: Session, split_id: Id) -> None:
    """Bring a deleted split back.

    Exits with 3 if its files were deleted.
    """
    _print(session, session.client.undelete_split(split_id))


def _print(session: Session, split: Any) -> None:
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    print_one(split, shown.SPLIT, format=session.format)
