"""`Client`: the platform's calls, typed; the same for a deployment and for a folder."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from mlsys.domain.answers import (
    MEDIA_TYPES,
    Importances,
    Method,
    PlotFormat,
    Predictions,
    Ready,
    Version,
)
from mlsys.domain.choices import Stage
from mlsys.domain.model_records import ModelVersion
from mlsys.domain.records import Part
from mlsys.sdk.batches import BatchCalls
from mlsys.sdk.calls import Calls, quoted
from mlsys.sdk.connections import Connection
from mlsys.sdk.splits import SplitCalls
from mlsys.sdk.studies import StudyCalls
from mlsys.use_cases.model_heads import Promotion


class Which(TypedDict, total=False):
    """Which version of a model is meant, where it is not the one in production."""

    stage: Stage | None
    version: int | None
    model_id: str


class Look(Which, total=False):
    """On which rows importances are looked at, and how; see `Client.importance`."""

    max_samples: int
    method_preference: list[Method]
    split: Part
    seed: int
    repeats: int


class Client(SplitCalls, StudyCalls, BatchCalls):
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
        explain: bool | int = False,
        threshold: float | None = None,
        passthrough: Sequence[str] = (),
        **which: Unpack[Which],
    ) -> Predictions:
        """Score 1 to 10,000 rows, each a value by column name.

        Args:
            model: a name, of which production answers, unless `which` says otherwise.
            instances: the rows; a missing value is None.
            explain: add the contribution of each feature, or of so many, the strongest.
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
        **how: Unpack[Look],
    ) -> Importances:
        """Rank the features of a model, by the first method that can be computed.

        Args:
            model: as in `predict`.
            how: the version, as in `predict`; `method_preference`, `shap`, `permutation` and
                `native` in the order that is wanted; `split`, the part to look at, and
                `max_samples`, so many of its rows, at most 5,000, drawn by `seed`; `repeats` of
                each permutation.

        Raises what `predict` does.
        """
        return self._calls.post("/v1/importance", {"model": model, **how}, Importances)

    def importance_plot(
        self, model: str | None = None, *, format: PlotFormat = "png", **how: Unpack[Look]
    ) -> bytes:
        """Draw what `importance` tells, as a PNG or as a page that needs nothing else.

        It is drawn where the platform is. Raises InvalidInput if that has no Matplotlib.
        """
        body = {"model": model, **how, "plot": format}
        return self._calls.post_for_content("/v1/importance", body, MEDIA_TYPES.get(format, ""))
