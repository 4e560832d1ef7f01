"""Deploys GET /healthz, /livez, /readyz, /version. Open to the load balancer's probes."""

import functions_framework
from flask import Request, Response

from mlsys.edge.flask import serve
from mlsys.handlers.health import ROUTES
from mlsys.runtime import runtime_from_env


@functions_framework.http
def health(request: Request) -> Response:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return serve(ROUTES, request, runtime_from_env())
