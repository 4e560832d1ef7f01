"""POST /v1/importance: which features a model goes by."""

from mlsys.domain.answers import Importances
from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.importance import ImportanceRequest, importance_of


def create(call: Call, runtime: Runtime) -> Importances:
    """Rank the features that a model goes by."""
    asked = call.json(ImportanceRequest)
    answered = importance_of(
        asked,
        models=runtime.models,
        records=runtime.records,
        objects=runtime.objects,
        request_id=call.request_id,
    )
    call.degraded(runtime.models.trouble(asked))
    return answered


ROUTES = (Route("POST", "/v1/importance", create, body=ImportanceRequest),)
