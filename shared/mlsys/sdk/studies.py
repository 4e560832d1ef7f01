"""The part of a `Client` that asks for studies, and looks at their trials and plots."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlsys.domain.answers import TrialRow
from mlsys.domain.errors import InvalidInput
from mlsys.domain.experiment_records import Experiment, TrialState
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.plots.shapes import PLOTS, AnyPlot, PlotKind
from mlsys.edge.parsing import parse_model
from mlsys.sdk.calls import Calls, quoted

UNFINISHED = {TrialState.WAITING, TrialState.RUNNING}
TRIALS_PER_LOOK = 50


@dataclass(frozen=True)
class StudyLook:
    """How a study stands: its record, its trials by number, and those that ended since."""

    experiment: Experiment
    trials: Sequence[TrialRow]
    ended: Sequence[TrialRow]


class StudyCalls:
    """Ask for studies, and look at them."""

    _calls: Calls

    def create_experiment(
        self, request: ExperimentRequest | None = None, /, **fields: Any
    ) -> Experiment:
        """Ask for a study, by a request or by its fields.

        Raises InvalidInput, with every problem that was found, and NotFound (the split).
        """
        if request is None:
            request = parse_model(fields, ExperimentRequest)
        elif fields:
            raise InvalidInput("give a request or its fields, not both")
        body = request.model_dump(mode="json", exclude_none=True)
        return self._calls.post("/v1/experiments", body, Experiment)

    def experiment(self, id: str) -> Experiment:
        """Return one experiment. Raises NotFound."""
        return self._calls.get(f"/v1/experiments/{quoted(id)}", Experiment)

    def experiments(
        self, *, name: str | None = None, split_id: str | None = None, status: str | None = None
    ) -> Iterator[Experiment]:
        """Yield experiments, newest first."""
        which = {"name": name, "split_id": split_id, "status": status}
        return self._calls.list("/v1/experiments", Experiment, **which)

    def cancel_experiment(
        self, id: str, *, register_best: bool = False, reason: str = ""
    ) -> Experiment:
        """End a study before its time; finished trials are kept.

        `register_best` makes its best trial so far a version. What has ended stays as it is; with
        `wait_for_experiment` see how it ended. Raises NotFound.
        """
        body = {"register_best": register_best, "reason": reason}
        return self._calls.post(f"/v1/experiments/{quoted(id)}/cancel", body, Experiment)

    def trials(self, experiment_id: str, *, state: str | None = None) -> Iterator[TrialRow]:
        """Yield an experiment's trials, newest first. Raises NotFound, InvalidInput (the state)."""
        return self._calls.list(_trials(experiment_id), TrialRow, state=state)

    def plot(self, experiment_id: str, kind: str) -> AnyPlot:
        """Return what is drawn of a study; `mlsys.vis.draw` draws it.

        Args:
            experiment_id: of the study.
            kind: `history`, `importances`, `slice`, `parallel` or `intermediate`.

        Raises:
            NotFound: there is no such experiment.
            InvalidInput: there is no such plot.
        """
        if kind not in set(PlotKind):
            raise InvalidInput(f"kind: want one of {', '.join(PlotKind)}, got {kind!r}")
        path = f"/v1/experiments/{quoted(experiment_id)}/plots/{kind}"
        return self._calls.get(path, PLOTS[PlotKind(kind)])

    def wait_for_experiment(
        self,
        id: str,
        *,
        on_trial: Callable[[TrialRow], None] | None = None,
        on_look: Callable[[StudyLook], None] | None = None,
        timeout_seconds: float = 24 * 3600,
    ) -> Experiment:
        """Return the experiment when it is SUCCEEDED, FAILED or CANCELLED.

        `on_trial` is called once with each trial that ended, `on_look` each time that the platform
        was asked how far it is, at the end too. Raises NotFound, Unavailable (not in time).
        """
        followed = _Followed()

        def look() -> Experiment | None:
            # First the record, so that what is final has all its trials.
            experiment = self.experiment(id)
            if on_trial is None and on_look is None:
                return experiment if experiment.status.final else None
            page_size = str(TRIALS_PER_LOOK)
            ended = followed.read(self._calls.list(_trials(id), TrialRow, page_size=page_size))
            if on_trial is not None:
                for trial in ended:
                    on_trial(trial)
            if on_look is not None:
                on_look(StudyLook(experiment, followed.trials(), ended))
            return experiment if experiment.status.final else None

        return self._calls.wait(look, what=f"experiment {id}", timeout_seconds=timeout_seconds)


class _Followed:
    """The trials of one study, of which only those are read again that may have changed."""

    def __init__(self) -> None:
        self._known: dict[int, TrialRow] = {}
        self._ended = 0  # all numbers below have

    def read(self, newest_first: Iterable[TrialRow]) -> list[TrialRow]:
        """Take what is new; return, by number, the trials that ended since the last time."""
        ended = []
        for trial in newest_first:
            if trial.number < self._ended:
                break
            before = self._known.get(trial.number)
            if _has_ended(trial) and not (before and _has_ended(before)):
                ended.append(trial)
            self._known[trial.number] = trial
        while (first := self._known.get(self._ended)) is not None and _has_ended(first):
            self._ended += 1
        return ended[::-1]

    def trials(self) -> list[TrialRow]:
        """Return all that is known, by number."""
        return [self._known[number] for number in sorted(self._known)]


def _trials(experiment_id: str) -> str:
    return f"/v1/experiments/{quoted(experiment_id)}/trials"


def _has_ended(trial: TrialRow) -> bool:
    return trial.state not in UNFINISHED
