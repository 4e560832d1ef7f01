"""`mlsys models`: the registry."""

from itertools import islice
from typing import Annotated, get_args

from typer import Argument, Option, Typer

from mlsys.cli.command import Limit, Session, command, talk
from mlsys.domain.choices import Stage

app = Typer(no_args_is_help=True)


@command(app)
def list_(
    session: Session,
    *,
    name: Annotated[str | None, Option(help="Only versions of this model.")] = None,
    stage: Annotated[Stage | None, Option(help="Only what this stage points at.")] = None,
    limit: Limit = 100,
) -> None:
    """List versions, newest first."""
    from mlsys.cli.output import print_list
    from mlsys.cli.shown import measure_text

    client = session.client
    found = list(islice(client.models(name=name, stage=stage), limit))
    staged = {
        one: {version.id for version in client.models(name=name, stage=one)}
        for one in get_args(Stage)
    }
    columns = {
        "id": lambda one: one.id,
        "status": lambda one: one.status,
        "stage": lambda one: [at for at, ids in staged.items() if one.id in ids],
        "type": lambda one: one.model_type,
        "test": lambda one: measure_text(one.test),
        "created": lambda one: one.created_at,
    }
    print_list(found, columns, format=session.format)


@command(app)
def show(session: Session, model_id: Annotated[str, Argument()]) -> None:
    """Show one version."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    print_one(session.client.model(model_id), shown.MODEL, format=session.format)


@command(app)
def promote(
    session: Session,
    model_id: Annotated[str, Argument()],
    *,
    stage: Annotated[Stage, Option(help="Which pointer to move.")] = "production",
    reason: Annotated[str, Option(help="Kept in the model's history.")] = "",
    expect: Annotated[str | None, Option(help="Only if this version is in production.")] = None,
    must_improve: Annotated[
        bool, Option("--must-improve", help="Only if it is better on test than what is there.")
    ] = False,
    min_value: Annotated[float | None, Option(help="Least value of the test metric.")] = None,
    max_value: Annotated[float | None, Option(help="Largest value of the test metric.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Ask the gates; change nothing.")] = False,
) -> None:
    """Point a stage at a version.

    Exits with 3 if a gate refuses.
    """
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    bounds = {"min_value": min_value, "max_value": max_value}
    gated = must_improve or min_value is not None or max_value is not None
    promotion = session.client.promote(
        model_id,
        stage,
        reason=reason,
        expected_production=expect,
        gates={"must_improve": must_improve, **bounds} if gated else None,
        validate_only=dry_run,
    )
    if dry_run:
        talk("the gates let it pass")
    print_one(promotion, shown.PROMOTION, format=session.format)
