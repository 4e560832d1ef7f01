"""Deploys POST /v1/predict. Memory 1 GiB; callers need run.invoker."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.predict import ROUTES
from mlsys.runtime import runtime_from_env


@functions_framework.http
def predict(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
