"""Executions of jobs: what one is told, and whether it still runs."""

from collections.abc import Mapping

from mlsys.domain.errors import NotFound
from mlsys.ports import Jobs


def arguments_for(what: str, id: str, carried: Mapping[str, str]) -> list[str]:
    """Say what an execution works on, and what it writes into each line of its log.

    >>> arguments_for("split", "split-1", {"request_id": "r-1"})
    ['--split', 'split-1', '--request-id=r-1']

    """
    options = [f"--{name.replace('_', '-')}={value}" for name, value in carried.items()]
    return [f"--{what}", id, *options]


def still_runs(execution_id: str | None, jobs: Jobs) -> bool:
    """Say whether there is such an execution, and it has not ended."""
    if execution_id is None:
        return False
    try:
        return not jobs.look(execution_id).state.final
    except NotFound:
        return False
