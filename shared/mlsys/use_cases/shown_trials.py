"""Looking at the trials of a study: as rows, and as what is drawn of them."""

from mlsys.domain.answers import TrialRow
from mlsys.domain.errors import NotFound
from mlsys.domain.experiment_records import Trial, TrialState
from mlsys.domain.plots.figures import plot_of
from mlsys.domain.plots.shapes import AnyPlot, PlotKind
from mlsys.ports import Records
from mlsys.repositories.experiments import trials_of
from mlsys.use_cases.experiments import get_experiment


def list_trials(
    experiment_id: str,
    *,
    state: TrialState | None = None,
    page_size: int,
    page_token: str | None,
    records: Records,
) -> tuple[list[TrialRow], str | None]:
    """List the trials, newest first, and where to go on. Raises NotFound, InvalidInput."""
    get_experiment(experiment_id, records=records)
    page = trials_of(experiment_id).list(
        records=records,
        where=None if state is None else {"state": state.value},
        order_by="number",
        limit=page_size,
        cursor=page_token,
    )
    return [_row(one) for one in page.values], page.cursor


def get_plot(experiment_id: str, kind: str, *, records: Records) -> AnyPlot:
    """Compute what is drawn of a study, from all its trials as they stand.

    Raises:
        NotFound: there is no such experiment, or no such plot.
        InvalidInput: the id is none.
    """
    if kind not in set(PlotKind):
        raise NotFound(f"there is no plot {kind[:40]!r}: want one of {', '.join(PlotKind)}")
    experiment = get_experiment(experiment_id, records=records)
    trials = list(trials_of(experiment_id).each(records=records, order_by="number"))
    return plot_of(PlotKind(kind), experiment, trials)


def _row(trial: Trial) -> TrialRow:
    measured = trial.state == TrialState.COMPLETE and trial.values
    return TrialRow(
        number=trial.number,
        state=trial.state,
        value=trial.values[0] if trial.values and measured else None,
        values=trial.values if trial.values and measured and len(trial.values) > 1 else None,
        params={param.name: param.value for param in trial.params},
        rounds=trial.user_attrs.get("rounds"),
        failure=trial.user_attrs.get("failure"),
        attempt=trial.attempt,
        started_at=trial.started_at,
        completed_at=trial.completed_at,
    )
