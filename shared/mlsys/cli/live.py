"""A study as it runs, drawn again and again on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mlsys.cli.output import NOTHING, cell
from mlsys.cli.pace import Pace, asked_trials, pace_of
from mlsys.domain.answers import TrialRow
from mlsys.domain.experiment_records import Experiment, TrialState
from mlsys.sdk.studies import StudyLook

LAST_TRIALS = 8
BAR_WIDTH = 28
STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
}


@contextmanager
def live_study() -> Iterator[Callable[[StudyLook], None]]:
    """Draw what is told on standard error, until the block ends; the last picture stays."""
    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False) as live:

        def draw(look: StudyLook) -> None:
            live.update(drawn(look, now=datetime.now(UTC)), refresh=True)

        yield draw


def drawn(look: StudyLook, *, now: datetime) -> RenderableType:
    """Return a picture of how a study stands."""
    experiment = look.experiment
    pace = pace_of(experiment, look.trials, now=now)
    return Padding(
        Group(_title(experiment), _bar(experiment, pace), _facts(experiment, pace), _last(look)),
        (0, 2),
    )


def _title(experiment: Experiment) -> Text:
    return Text.assemble(
        (experiment.name, "bold"), f"  {experiment.id}  ", (experiment.status.value, "cyan")
    )


def _bar(experiment: Experiment, pace: Pace) -> Table:
    asked = asked_trials(experiment)
    bar = Table.grid(padding=(0, 2))
    bar.add_row(
        ProgressBar(total=max(asked, 1), completed=pace.ended, width=BAR_WIDTH),
        f"{pace.ended}/{asked}",
        Text.assemble(
            *(
                part
                for state, count in sorted(pace.counts.items())
                for part in ((f"{state.lower()} ", "dim"), (f"{count}  ", _style(state)))
            )
        ),
    )
    return bar


def _facts(experiment: Experiment, pace: Pace) -> Text:
    metric = experiment.metric_name or "value"
    best = NOTHING if pace.best is None else f"{cell(pace.best.value)} (trial {pace.best.number})"
    rate = NOTHING if pace.per_minute is None else f"{pace.per_minute:,.1f} trials/min"
    facts = [(f"best {metric}", best), ("rate", rate)]
    if not experiment.status.final:
        facts.append(("time left", _duration(pace.seconds_left)))
    return Text.assemble(
        *(part for name, told in facts for part in ((f"{name} ", "dim"), f"{told}   "))
    )


def _last(look: StudyLook) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, expand=True)
    for name in ("trial", "state", "value", "seconds"):
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    table.add_column("params", ratio=1, no_wrap=True, overflow="ellipsis")
    for trial in list(look.trials)[: -LAST_TRIALS - 1 : -1]:
        table.add_row(
            str(trial.number),
            Text(trial.state.lower(), style=_style(trial.state)),
            cell(trial.value),
            _seconds(trial),
            Text(cell(trial.failure or trial.params)),
        )
    return table


def _style(state: str) -> str:
    return STYLES.get(TrialState(state), "")


def _seconds(trial: TrialRow) -> str:
    if trial.started_at is None or trial.completed_at is None:
        return NOTHING
    return f"{(trial.completed_at - trial.started_at).total_seconds():.1f}"


def _duration(seconds: float | None) -> str:
    return NOTHING if seconds is None else str(timedelta(seconds=round(seconds)))
