"""Deploys /v1/experiments. Publishes on the experiments topic; writes records."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.experiments import ROUTES
from mlsys.runtime import runtime_from_env


@functions_framework.http
def experiments(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
