"""Deploys POST /v1/predict and its other formats. Memory 1 GiB; callers need run.invoker."""

import functions_framework.aio
from starlette.requests import Request

from mlsys.starting import starting

with starting():
    from mlsys.edge.asgi import Reply, server_of
    from mlsys.handlers.predict import served
    from mlsys.runtime import runtime_from_env


@functions_framework.aio.http
async def predict(request: Request) -> Reply:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return await server_of(runtime_from_env, served).answer(request)
