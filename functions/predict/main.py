"""Deploys POST /v1/predict and its other formats. Memory 1 GiB; callers need run.invoker."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.predict import routes
from mlsys.runtime import runtime_from_env


@functions_framework.http
def predict(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    runtime = runtime_from_env()
    return serve(routes(runtime.settings), request, runtime)
