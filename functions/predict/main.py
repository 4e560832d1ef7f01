"""Deploys POST /v1/predict and its other formats. Memory 1 GiB; callers need run.invoker."""

from functools import cache

import functions_framework.aio
from starlette.requests import Request

from mlsys.edge.asgi import Reply, Server
from mlsys.handlers.predict import routes
from mlsys.runtime import Runtime, runtime_from_env


@functions_framework.aio.http
async def predict(request: Request) -> Reply:
    """Answer one request; the entry point named in infra/deployables.yaml."""
    return await server().answer(request)


@cache
def server() -> Server[Runtime]:
    """Keep what serves this process."""
    runtime = runtime_from_env()
    return Server(routes(runtime.settings), runtime)
