"""`Client`: the platform's calls, typed; the same for a deployment and for a folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from mlsys.domain.answers import Importances, Method, Predictions, Ready, TrialRow, Version
from mlsys.domain.errors import InvalidInput
from mlsys.domain.messages import ExperimentRequest, Stage
from mlsys.domain.model_records import ModelVersion
from mlsys.domain.records import Experiment, Part
from mlsys.edge.parsing import parse_model
from mlsys.sdk.batches import BatchCalls
from mlsys.sdk.calls import Calls, quoted
from mlsys.sdk.connections import Connection
from mlsys.sdk.splits import SplitCalls
from mlsys.sdk.waiting import ended
from mlsys.use_cases.registry import Promotion


class Which(TypedDict, total=False):
    """Which version of a model is meant, where it is not the one in production."""

    stage: Stage | None
    version: int | None
    model_id: str


class Client(SplitCalls, BatchCalls):
    """One platform: `Client("https://…")`, or `Client.local(".mlsys")` without a server.

    What goes wrong is raised as an error of `mlsys.domain.errors`, with its `violations` or
    `reasons`. Locally, whoever waits for a split or an experiment runs the platform meanwhile,
    unless another process does; `close`, or a `with` block, ends what was started.

    Args:
        platform: a URL, or a connection.
        token: sent as `Authorization: Bearer`; default: the environment's `MLSYS_TOKEN`.
    """

    def __init__(self, platform: str | Connection, *, token: str | None = None) -> None:
        if isinstance(platform, str):
            # Only here, so that a local client does without httpx.
            from mlsys.sdk.http import HttpConnection

            platform = HttpConnection(platform, token=token)
        self._calls = Calls(platform)

    @classmethod
    def local(cls, home: str | Path = ".mlsys") -> Self:
        """Open the platform in a folder of this machine; it is made when first written to."""
        # Only here, so that a remote client does without what the platform itself needs.
        from mlsys.sdk.local import LocalConnection

        return cls(LocalConnection(Path(home)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what was started: connections, and a platform in this process."""
        self._calls.connection.close()

    def version(self) -> Version:
        """Return which release answers, and on which backend."""
        return self._calls.get("/version", Version)

    def ready(self) -> Ready:
        """Return how each backend stands. Raises Unavailable, naming those that fail."""
        return self._calls.get("/readyz", Ready)

    # --- Experiments ---------------------------------------------------------------------------

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

    def trials(self, experiment_id: str) -> Iterator[TrialRow]:
        """Yield an experiment's trials, by number. Raises NotFound."""
        return self._calls.list(f"/v1/experiments/{quoted(experiment_id)}/trials", TrialRow)

    def cancel_experiment(
        self, id: str, *, register_best: bool = False, reason: str = ""
    ) -> Experiment:
        """End a study before its time; finished trials are kept.

        `register_best` makes its best trial so far a version. What has ended stays as it is; with
        `wait_for_experiment` see how it ended. Raises NotFound.
        """
        body = {"register_best": register_best, "reason": reason}
        return self._calls.post(f"/v1/experiments/{quoted(id)}/cancel", body, Experiment)

    def wait_for_experiment(
        self,
        id: str,
        *,
        on_trial: Callable[[TrialRow], None] | None = None,
        timeout_seconds: float = 24 * 3600,
    ) -> Experiment:
        """Return the experiment when it is SUCCEEDED, FAILED or CANCELLED.

        `on_trial` is called once with each trial that ended. Raises NotFound, Unavailable (not in
        time).
        """
        told: set[int] = set()

        def look() -> Experiment | None:
            experiment = self.experiment(id)
            if on_trial is not None:
                for trial in ended(self.trials(id), told):
                    on_trial(trial)
            return experiment if experiment.status.final else None

        return self._calls.wait(look, what=f"experiment {id}", timeout_seconds=timeout_seconds)

    # --- Models --------------------------------------------------------------------------------

    def model(self, id: str) -> ModelVersion:
        """Return one version, by `{name}-v{version}`. Raises NotFound."""
        return self._calls.get(f"/v1/models/{quoted(id)}", ModelVersion)

    def models(
        self, *, name: str | None = None, stage: Stage | None = None
    ) -> Iterator[ModelVersion]:
        """Yield versions, newest first; with a stage, those that it points at."""
        return self._calls.list("/v1/models", ModelVersion, name=name, stage=stage)

    def promote(
        self,
        model_id: str,
        stage: Stage,
        *,
        reason: str = "",
        expected_production: str | None = None,
        gates: Mapping[str, Any] | None = None,
        validate_only: bool = False,
    ) -> Promotion:
        """Point a stage at a version.

        Args:
            model_id: the version to point at.
            stage: what points at it.
            reason: kept in the model's history.
            expected_production: refuse if production is another.
            gates: `must_improve`, `min_value`, `max_value`, held against the test metric.
            validate_only: evaluate the gates, and change nothing.

        Raises:
            NotFound: there is no such version.
            Refused: a gate said no; `reasons` says why.
            LostRace: production is not what was expected.
        """
        body = {
            "stage": stage,
            "reason": reason,
            "expected_production": expected_production,
            "gates": None if gates is None else dict(gates),
            "validate_only": validate_only,
        }
        return self._calls.post(f"/v1/models/{quoted(model_id)}/promote", body, Promotion)

    def predict(
        self,
        model: str | None = None,
        *,
        instances: Sequence[Mapping[str, Any]],
        explain: bool = False,
        threshold: float | None = None,
        passthrough: Sequence[str] = (),
        **which: Unpack[Which],
    ) -> Predictions:
        """Score 1 to 10,000 rows, each a value by column name.

        Args:
            model: a name, of which production answers, unless `which` says otherwise.
            instances: the rows; a missing value is None.
            explain: add the contribution of each feature.
            threshold: of the second of two classes, in [0, 1]; default: the model's own.
            passthrough: columns that are returned as they came.
            which: `stage` or `version` of `model`, or `model_id` instead of it.

        Raises:
            InvalidInput: with every problem, each with its path.
            NotFound: there is no such model, or none at that stage.
        """
        parameters = {"explain": explain, "passthrough": list(passthrough)}
        body = {
            "model": model,
            **which,
            "instances": [dict(one) for one in instances],
            "parameters": parameters | ({} if threshold is None else {"threshold": threshold}),
        }
        return self._calls.post("/v1/predict", body, Predictions)

    def importance(
        self,
        model: str | None = None,
        *,
        max_samples: int = 1000,
        method_preference: Sequence[Method] = ("shap", "native"),
        split: Part = "test",
        **which: Unpack[Which],
    ) -> Importances:
        """Rank the features of a model on at most 5,000 rows of a part of its split.

        Arguments and errors are those of `predict`.
        """
        body = {
            "model": model,
            **which,
            "max_samples": max_samples,
            "method_preference": list(method_preference),
            "split": split,
        }
        return self._calls.post("/v1/importance", body, Importances)
