"""Trials as they end: a bar on a terminal, a line each anywhere else."""

from contextlib import ExitStack
from typing import Any, Self

from mlsys.cli.command import talk
from mlsys.cli.output import cell
from mlsys.domain.answers import TrialRow


class Progress:
    """Shows the trials of one study on standard error.

    Args:
        n_trials: how many there will be at most.
        terminal: whether standard error is one.
        maximize: whether a larger value is better; None while nobody knows, and may be set then.
    """

    def __init__(self, n_trials: int, *, terminal: bool, maximize: bool | None = None) -> None:
        self._n_trials = n_trials
        self.maximize = maximize
        self._terminal = terminal
        self._bar: Any = None
        self._open = ExitStack()
        self._best: float | None = None
        self._count = 0

    def __enter__(self) -> Self:
        if self._terminal:
            # Only here: what is piped or logged does without rich.
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("  {task.description}"),
                BarColumn(bar_width=28, complete_style="cyan", finished_style="green"),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[said]}", style="dim"),
            )
            self._bar = self._open.enter_context(
                Bar(*columns, console=Console(stderr=True), transient=False)
            )
            self._bar.add_task("trials", total=self._n_trials or None, said="starting")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ended(self, trial: TrialRow) -> None:
        """Show a trial that ended."""
        self._count += 1
        if isinstance(trial.value, float) and trial.state == "COMPLETE":
            self._best = self._better(trial.value)
        best = "" if self._best is None else f"best {cell(self._best)}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._count, said=best)
            return
        value = cell(trial.failure if trial.value is None else trial.value)
        line = f"  trial {trial.number:>4}  {trial.state.lower():<9} {value:<10}  {best}"
        talk(line.rstrip())

    def _better(self, value: float) -> float | None:
        if self.maximize is None:
            return None
        if self._best is None:
            return value
        return max(self._best, value) if self.maximize else min(self._best, value)
