"""All that the deployables answer, behind one host."""

from collections.abc import Callable

from cloudevents.abstract import CloudEvent

from mlsys.edge.http import Route
from mlsys.handlers import (
    experiments,
    health,
    importance,
    launch,
    models,
    predict,
    promotion,
    split,
    splits,
)
from mlsys.runtime import Runtime

ROUTES: tuple[Route[Runtime], ...] = (
    *health.ROUTES,
    *splits.ROUTES,
    *experiments.ROUTES,
    *models.ROUTES,
    *promotion.ROUTES,
    *predict.ROUTES,
    *importance.ROUTES,
)

EVENT_HANDLERS: dict[str, Callable[[CloudEvent, Runtime], None]] = {
    "split": split.handle,
    "launch": launch.handle,
}
