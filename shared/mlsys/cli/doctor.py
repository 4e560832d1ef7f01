"""`mlsys doctor`: what is configured, installed and reachable."""

from typer import Exit, Typer

from mlsys.cli.command import FAILED, Session, command

app = Typer()


@command(app)
def doctor(session: Session) -> None:
    """Say what is configured and reachable.

    Exits with 1 if something is amiss.
    """
    from mlsys.cli.diagnosis import diagnose
    from mlsys.cli.output import print_list

    findings = diagnose(session)
    columns = {
        "check": lambda one: one.check,
        "state": lambda one: one.state,
        "detail": lambda one: one.detail,
    }
    print_list(findings, columns, format=session.format)
    if any(one.state == "amiss" for one in findings):
        raise Exit(FAILED)
