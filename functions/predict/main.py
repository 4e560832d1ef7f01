"""Deploys POST /v1/predict and its other formats. Memory 1 GiB; callers need run.invoker."""

import functions_framework.aio
from starlette.requests import Request

from mlsys.edge.asgi import Reply, serve
from mlsys.handlers.predict import routes
from mlsys.runtime import runtime_from_env


@functions_framework.aio.http
async def predict(request: Request) -> Reply:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    runtime = runtime_from_env()
    return await serve(routes(runtime.settings), request, runtime)
