"""Deploys POST /v1/importance. Memory 1 GiB; reads splits and models."""

import functions_framework
from flask import Request, Response

from mlsys.starting import starting

with starting():
    from mlsys.edge.flask import serve
    from mlsys.handlers.importance import ROUTES
    from mlsys.runtime import runtime_from_env


@functions_framework.http
def importance(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
