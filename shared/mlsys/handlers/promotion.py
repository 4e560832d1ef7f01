"""POST /v1/models/{model_id}/promote: point a stage at a version."""

from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.model_heads import PromoteRequest, Promotion, promote


def create(call: Call, runtime: Runtime) -> Promotion:
    """Point a stage at a version."""
    return promote(
        call.path["model_id"],
        call.json(PromoteRequest),
        records=runtime.records,
        now=runtime.now(),
    )


ROUTES = (Route("POST", "/v1/models/{model_id}/promote", create, body=PromoteRequest),)
