"""A trial as a document, and back: what Optuna keeps in memory, as strict JSON.

A document of `experiments/{id}/trials` holds, at its top level: `number`, `state` (Optuna's name),
`values`, `params` (a list of `name`, `value`, `internal`, `distribution`, in the order suggested),
`intermediate_values` by step, `user_attrs`, `system_attrs`, `started_at`, `completed_at` (RFC 3339
UTC), and who runs it: `owner`, `attempt`, `given`. A number that is not finite is the string `nan`,
`inf` or `-inf`; inside attributes, which may hold strings, it is `{"$float": "nan"}`.
"""

import copy
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

Json = dict[str, Any]

FAILURE = "failure"  # the user attribute that says why a trial failed
MAX_ATTEMPTS = 3
MAX_TRIAL_BYTES = 800_000
# Together with the attempts below 2^53: Optuna's dashboard reads ids as JavaScript's numbers.
MAX_STUDY_ID = 2**36
MAX_TRIALS_PER_STUDY = 10**4

_ATTEMPTS_PER_TRIAL = 10


@dataclass(frozen=True)
class Claim:
    """Who runs a trial.

    Attributes:
        owner: a token of its own for each taking; empty while nobody runs it.
        attempt: 1, 2, ...: how often it was taken.
        given: the attributes it was created with, which outlive an attempt (enqueued parameters).
    """

    owner: str = ""
    attempt: int = 1
    given: Json = field(default_factory=dict)


def trial_id_of(study_id: int, number: int, attempt: int) -> int:
    """Return Optuna's id of one attempt at a trial: who lost a trial holds an id of the past.

    >>> trial_id_of(42, 7, 2)
    4200071
    >>> parts_of(4200071)
    (42, 7, 2)

    """
    return (study_id * MAX_TRIALS_PER_STUDY + number) * _ATTEMPTS_PER_TRIAL + attempt - 1


def parts_of(trial_id: int) -> tuple[int, int, int]:
    """Return study id, number and attempt of what `trial_id_of` made."""
    rest, attempt = divmod(trial_id, _ATTEMPTS_PER_TRIAL)
    study_id, number = divmod(rest, MAX_TRIALS_PER_STUDY)
    return study_id, number, attempt + 1


def trial_body(trial: FrozenTrial, claim: Claim) -> Json:
    """Write a trial down.

    Raises:
        TypeError: a choice of a categorical distribution is not JSON.
    """
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": None if trial.values is None else [_number(value) for value in trial.values],
        "params": [
            _param(name, value, trial.distributions[name]) for name, value in trial.params.items()
        ],
        "intermediate_values": {
            str(step): _number(value) for step, value in trial.intermediate_values.items()
        },
        "user_attrs": strict(trial.user_attrs),
        "system_attrs": strict(trial.system_attrs),
        "started_at": _to_utc(trial.datetime_start),
        "completed_at": _to_utc(trial.datetime_complete),
        "owner": claim.owner,
        "attempt": claim.attempt,
        "given": strict(claim.given),
    }


def trial_of(body: Json, *, study_id: int) -> FrozenTrial:
    """Read what `trial_body` wrote; equal to what was written."""
    params = {param["name"]: param for param in body["params"]}
    distributions = {name: _distribution(param["distribution"]) for name, param in params.items()}
    return FrozenTrial(
        number=body["number"],
        trial_id=trial_id_of(study_id, body["number"], body["attempt"]),
        state=TrialState[body["state"]],
        value=None,
        values=None if body["values"] is None else [float(value) for value in body["values"]],
        params={
            name: distribution.to_external_repr(float(params[name]["internal"]))
            for name, distribution in distributions.items()
        },
        distributions=distributions,
        intermediate_values={
            int(step): float(value)
            for step, value in sorted(
                body["intermediate_values"].items(), key=lambda item: int(item[0])
            )
        },
        user_attrs=loose(body["user_attrs"]),
        system_attrs=loose(body["system_attrs"]),
        datetime_start=_to_local(body["started_at"]),
        datetime_complete=_to_local(body["completed_at"]),
    )


def claim_of(body: Json) -> Claim:
    """Read who runs the trial of a document."""
    return Claim(owner=body["owner"], attempt=body["attempt"], given=loose(body["given"]))


def claimed(trial: FrozenTrial, token: str) -> Claim:
    """Return the first claim on a trial: its attributes are given; only a running one is owned."""
    if trial.state is not TrialState.RUNNING:
        return Claim()
    given = {"user_attrs": trial.user_attrs, "system_attrs": trial.system_attrs}
    return Claim(owner=token, given=given)


def started(number: int, claim: Claim, study_id: int, now: datetime) -> FrozenTrial:
    """Return a running trial that knows nothing but what it was given."""
    return FrozenTrial(
        number=number,
        trial_id=trial_id_of(study_id, number, claim.attempt),
        state=TrialState.RUNNING,
        value=None,
        params={},
        distributions={},
        intermediate_values={},
        user_attrs=dict(claim.given.get("user_attrs", {})),
        system_attrs=dict(claim.given.get("system_attrs", {})),
        datetime_start=_naive(now),
        datetime_complete=None,
    )


def given_up(trial: FrozenTrial, now: datetime) -> FrozenTrial:
    """Return the end of a trial that was attempted too often."""
    reason = f"given up: {MAX_ATTEMPTS} attempts ended without a result"
    return ended(merged(trial, {"user_attrs": {FAILURE: reason}}), TrialState.FAIL, None, now)


def merged(trial: FrozenTrial, updates: Mapping[str, Mapping[Any, Any]]) -> FrozenTrial:
    """Return a copy with entries added to its dictionaries, which are new ones."""
    changed = copy.copy(trial)
    for name, items in updates.items():
        setattr(changed, name, {**getattr(changed, name), **items})
    return changed


def ended(
    trial: FrozenTrial, state: TrialState, values: Sequence[float] | None, now: datetime
) -> FrozenTrial:
    """Return a copy in a new state; RUNNING begins it, a final state completes it."""
    changed = copy.copy(trial)
    changed.state = state
    if values is not None:
        changed.values = [float(value) for value in values]
    if state is TrialState.RUNNING:
        changed.datetime_start = _naive(now)
    if state.is_finished():
        changed.datetime_complete = _naive(now)
    return changed


def as_json(value: Any) -> tuple[Any, int]:
    """Return `value` as JSON would give it back, NaN and Infinity included, and its bytes.

    Raises:
        TypeError, ValueError: it is not JSON.

    >>> as_json({"layers": (64, 32)})
    ({'layers': [64, 32]}, 20)

    """
    text = json.dumps(value)
    return json.loads(text), len(text)


def strict(value: Any) -> Any:
    """Replace numbers that JSON lacks; `loose` undoes it.

    >>> strict({"loss": float("inf"), "$x": 1})
    {'loss': {'$float': 'inf'}, '$$x': 1}

    """
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, dict):
        return {_escaped(key): strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return value


def loose(value: Any) -> Any:
    """Undo `strict`."""
    if isinstance(value, dict):
        if "$float" in value:
            return float(value["$float"])
        return {key.removeprefix("$"): loose(item) for key, item in value.items()}
    if isinstance(value, list):
        return [loose(item) for item in value]
    return value


def _param(name: str, value: Any, distribution: BaseDistribution) -> Json:
    return {
        "name": name,
        "value": _number(value) if isinstance(value, float) else value,
        "internal": _number(distribution.to_internal_repr(value)),
        "distribution": distribution_to_json(distribution),
    }


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


# The same few texts stand in every trial of a study; reading them is most of the work otherwise.
@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _to_utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _to_local(text: str | None) -> datetime | None:
    return None if text is None else _naive(datetime.fromisoformat(text))


def _naive(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None)
