"""POST /v1/importance: which features a model goes by."""

from mlsys.domain.answers import Importances
from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.importance import ImportanceRequest, importance_of


def create(call: Call, runtime: Runtime) -> Importances:
    """Rank the features that a model goes by."""
    return importance_of(
        call.json(ImportanceRequest),
        models=runtime.models,
        records=runtime.records,
        objects=runtime.objects,
        request_id=call.request_id,
    )


ROUTES = (Route("POST", "/v1/importance", create, body=ImportanceRequest),)
