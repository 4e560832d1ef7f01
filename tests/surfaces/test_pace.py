"""How a study goes, told from its record and its trials, and how it is read bit by bit."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from mlsys.cli.live import drawn
from mlsys.cli.pace import RECENT_TRIALS, pace_of
from mlsys.domain.answers import TrialRow
from mlsys.domain.experiment_records import Experiment
from mlsys.sdk.studies import StudyLook
from tests.domain.studied import NOW, experiment


def row(number: int, state: str = "COMPLETE", value: float | None = 0.5, at: int = 0) -> TrialRow:
    """A trial that took a second, and ended `at` seconds after the study began."""
    ended = None if state in {"RUNNING", "WAITING"} else NOW + timedelta(seconds=at)
    return TrialRow(
        number=number,
        state=state,
        value=value if state == "COMPLETE" else None,
        params={"rate": 0.1},
        rounds=3,
        failure="ValueError: no" if state == "FAIL" else None,
        attempt=1,
        started_at=None if ended is None else ended - timedelta(seconds=1),
        completed_at=ended,
    )


def running(n_trials: int = 100, timeout_seconds: float | None = None) -> Experiment:
    config = {"n_trials": n_trials, "timeout_seconds": timeout_seconds}
    return experiment(request={"optuna_config": config}, started_at=NOW)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(("maximize", "best"), [(True, 2), (False, 1), (None, None)])
def test_the_best_is_the_first_of_the_best(*, maximize: bool | None, best: int | None) -> None:
    values = [0.5, 0.1, 0.9, 0.9, 0.1]
    trials = [row(number, value=value) for number, value in enumerate(values)]
    trials.append(row(5, state="PRUNED"))

    found = pace_of(experiment(maximize=maximize), trials, now=NOW).best

    assert (found and found.number) == best


def test_rate_and_time_left_follow_the_last_trials() -> None:
    slow = [row(number, at=10 * number) for number in range(10)]
    quick = [row(10 + number, at=100 + number) for number in range(RECENT_TRIALS + 1)]

    pace = pace_of(running(), [*slow, *quick, row(31, state="RUNNING")], now=after(120))

    assert pace.ended == 31
    assert pace.per_minute == pytest.approx(60)
    assert pace.seconds_left == pytest.approx(100 - 31)


def test_a_study_that_stands_still_grows_slow() -> None:
    trials = [row(number, at=number + 1) for number in range(10)]

    rates = [pace_of(running(), trials, now=after(at)).per_minute or 0 for at in (10, 60, 600)]

    assert rates == pytest.approx([60, 10, 1])


def test_a_timeout_ends_it_earlier() -> None:
    trials = [row(0, at=10)]

    assert pace_of(running(timeout_seconds=30), trials, now=after(10)).seconds_left == 20
    assert pace_of(running(timeout_seconds=30), trials, now=after(40)).seconds_left == 0
    assert pace_of(running(timeout_seconds=30), [], now=after(10)).seconds_left == 20


def test_nothing_is_guessed_before_a_trial_has_ended() -> None:
    pace = pace_of(running(), [row(0, state="RUNNING")], now=after(5))

    assert (pace.per_minute, pace.seconds_left, pace.best) == (None, None, None)


def test_what_is_over_has_no_time_left_and_one_rate() -> None:
    over = experiment(status="SUCCEEDED", started_at=NOW, finished_at=after(500))

    pace = pace_of(over, [row(number, at=6 * number + 6) for number in range(50)], now=after(9999))

    assert pace.per_minute == pytest.approx(10)
    assert pace.seconds_left is None


def test_a_picture_of_a_study_tells_all_that_is_asked_for() -> None:
    trials = [row(n, at=n + 1, value=n / 10) for n in range(9)]
    trials += [row(9, state="FAIL", at=10), row(10, state="PRUNED", at=11), row(11, "RUNNING")]
    screen = StringIO()

    Console(file=screen, width=100).print(drawn(StudyLook(running(), trials, []), now=after(11)))

    seen = screen.getvalue()
    for told in ("11/100", "best roc_auc 0.8 (trial 8)", "60.0 trials/min", "time left 0:01:29"):
        assert told in seen
    for state in ("complete 9", "fail 1", "pruned 1", "running 1"):
        assert state in seen
    assert "ValueError: no" in seen
    assert [line.split()[0] for line in seen.splitlines()[-9:-1]] == [
        *("11", "10", "9", "8", "7", "6", "5", "4")
    ]
