"""Whether each step of the demo really happened: looked at again, not believed."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlsys.dev.datasets import Table
from mlsys.domain.answers import Explanation, Importances, Prediction, Predictions, TrialRow
from mlsys.domain.choices import TaskType
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.ids import parse_uri
from mlsys.domain.model_records import ModelVersion, VersionStatus
from mlsys.domain.records import PARTS, File
from mlsys.domain.split_records import Split, SplitStatus

ENDED = {"COMPLETE", "PRUNED", "FAIL"}
TOLERANCE = 1e-4


class DemoFailed(Exception):
    """A step did not do what it should have done."""


def split(found: Split, table: Table, home: Path) -> None:
    """Hold a split against the rows that were dropped."""
    reason = found.failure.message if found.failure else "no reason given"
    _demand(found.status is SplitStatus.READY, f"split {found.id} is {found.status}: {reason}")
    rows = sum(found.rows.values())
    _demand(rows == len(table.rows), f"{len(table.rows)} rows were dropped, {rows} are split")
    _demand(all(found.rows.get(part, 0) > 0 for part in PARTS), f"a part is empty: {found.rows}")
    _demand(set(found.files) == set(PARTS), f"the split has files for {sorted(found.files)} only")
    for file in found.files.values():
        _hash_is_right(file, home)


def experiment(found: Experiment, trials: Sequence[TrialRow], n_trials: int) -> None:
    """Hold a study against what was asked for."""
    reason = found.failure.message if found.failure else "no reason given"
    succeeded = found.status is ExperimentStatus.SUCCEEDED
    _demand(succeeded, f"experiment {found.id} is {found.status}: {reason}")
    numbers = sorted(trial.number for trial in trials)
    _demand(numbers == list(range(n_trials)), f"want trials 0 to {n_trials - 1}, got {numbers}")
    open_ones = [trial.number for trial in trials if trial.state not in ENDED]
    _demand(not open_ones, f"trials {open_ones} did not end")
    _demand(any(trial.state == "COMPLETE" for trial in trials), "no trial was completed")
    _demand(found.model_id is not None, "the study registered no model")
    test = found.test
    _demand(test is not None, "the winner was not tested")
    if test is not None and test.low is not None and test.high is not None:
        inside = test.low <= test.value <= test.high
        _demand(inside, f"{test.value} is outside its interval {test.low} to {test.high}")
    else:
        raise DemoFailed("the test metric has no interval")
    _demand(bool(found.baselines), "no baseline was measured")


def version(found: ModelVersion, study: Experiment, home: Path) -> None:
    """Hold a registered version against its files and its study."""
    _demand(found.status is VersionStatus.READY, f"{found.id} is {found.status}")
    _demand(found.experiment_id == study.id, f"{found.id} is of {found.experiment_id}")
    _demand(bool(found.files), f"{found.id} has no files")
    for file in found.files.values():
        _hash_is_right(file, home)


def production(found: Iterable[ModelVersion], wanted: ModelVersion) -> None:
    """Look where production points."""
    ids = [one.id for one in found]
    _demand(ids == [wanted.id], f"production is {ids}, not {wanted.id}")


def predictions(answer: Predictions, table: Table, served: ModelVersion) -> None:
    """Hold predictions against the table: how many, of which kind, in which range."""
    _demand(answer.model_id == served.id, f"{answer.model_id} answered, not {served.id}")
    got, wanted = len(answer.predictions), len(table.held_out)
    _demand(got == wanted, f"{wanted} rows were sent, {got} came back")
    for number, one in enumerate(answer.predictions):
        fits = _is_value(one, table) if table.task is TaskType.REGRESSION else _is_class(one, table)
        _demand(fits, f"prediction {number} makes no sense: {one.model_dump_json()}")
        explained = one.explanation is not None and _adds_up(one, one.explanation)
        _demand(explained, f"contributions of prediction {number} do not add up to it")
    if table.task is TaskType.CLASSIFICATION:
        _better_than_guessing([one.prediction for one in answer.predictions], table)


def importances(answer: Importances, table: Table, served: ModelVersion) -> None:
    """Hold a ranking against the features."""
    _demand(answer.model_id == served.id, f"{answer.model_id} answered, not {served.id}")
    total = sum(one.share for one in answer.importances)
    _demand(math.isclose(total, 1, abs_tol=1e-6), f"the shares sum to {total}, not to 1")
    strange = {one.feature for one in answer.importances} - set(table.features)
    _demand(not strange, f"no such features: {sorted(strange)}")


def _better_than_guessing(said: Sequence[object], table: Table) -> None:
    """Demand more than saying the most frequent class each time: a metric of ranks may hide it."""
    truth = [row[table.target] for row in table.held_out]
    right = sum(one == actual for one, actual in zip(said, truth, strict=True))
    guessed = max(truth.count(one) for one in set(truth))
    _demand(right > guessed, f"{right} of {len(truth)} are right; saying one class: {guessed}")


def _is_value(one: Prediction, table: Table) -> bool:
    """Whether a value is near those that were seen: trees do not extrapolate."""
    seen = [float(row[table.target]) for row in table.rows]
    margin = max(seen) - min(seen)
    value = one.prediction
    return isinstance(value, float) and min(seen) - margin <= value <= max(seen) + margin


def _is_class(one: Prediction, table: Table) -> bool:
    classes = {str(row[table.target]) for row in table.rows}
    shares = one.probabilities or {}
    return (
        one.prediction in classes
        and set(shares) == classes
        and all(0 <= share <= 1 for share in shares.values())
        and math.isclose(sum(shares.values()), 1, abs_tol=TOLERANCE)
    )


def _adds_up(one: Prediction, why: Explanation) -> bool:
    """Whether base value and contributions give the answer, where one number is the answer."""
    score = why.base_value + sum(why.contributions.values())
    if isinstance(one.prediction, float) and one.probability is None:
        return math.isclose(score, one.prediction, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if one.threshold is None:
        return math.isfinite(score)
    probability = 1 / (1 + math.exp(-score))
    return math.isclose(probability, float(one.probability or 0), abs_tol=TOLERANCE)


def _hash_is_right(file: File, home: Path) -> None:
    address = parse_uri(file.uri)
    path = home / address.bucket / address.key
    _demand(path.is_file(), f"{path} is not there")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    _demand(found == file.sha256, f"{path} has sha256 {found}, its record says {file.sha256}")


def _demand(fact: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not fact:
        raise DemoFailed(otherwise)
