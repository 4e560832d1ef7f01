"""Deploys POST /v1/models/{model_id}/promote. An account of its own: it moves what is served."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.promotion import ROUTES
from mlsys.runtime import runtime_from_env


@functions_framework.http
def promotion(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
