"""`mlsys splits`: what became of the files that were dropped."""

from itertools import islice
from typing import Annotated

from typer import Argument, Option, Typer

from mlsys.cli.command import Limit, Session, command

app = Typer(no_args_is_help=True)


@command(app)
def list_(
    session: Session,
    *,
    entity: Annotated[str | None, Option(help="Only of this dataset.")] = None,
    status: Annotated[str | None, Option(help="READY, QUARANTINED, FAILED, RUNNING.")] = None,
    limit: Limit = 100,
) -> None:
    """List splits, newest first."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_list

    found = session.client.splits(entity=entity, status=status)
    print_list(list(islice(found, limit)), shown.SPLITS, format=session.format)


@command(app)
def show(session: Session, split_id: Annotated[str, Argument()]) -> None:
    """Show one split."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    print_one(session.client.split(split_id), shown.SPLIT, format=session.format)
