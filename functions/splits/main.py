"""Deploys /v1/splits. A POST splits in a child process, so as much memory as `split` has."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.splits import ROUTES
from mlsys.runtime import runtime_from_env


@functions_framework.http
def splits(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
