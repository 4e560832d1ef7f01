"""Deploys POST /v1/predict and its other formats. Memory 1 GiB; callers need run.invoker."""

import functions_framework.aio
from starlette.requests import Request

from mlsys.starting import starting

with starting():
    from mlsys.edge.asgi import Server, server_of
    from mlsys.handlers.predict import served
    from mlsys.runtime import Runtime, runtime_from_env


@functions_framework.aio.http  # type: ignore[arg-type]  # its Starlette calls what is returned
async def predict(_: Request) -> Server[Runtime]:
    """Say who answers one request; the entry point named in infra/deployables.yaml."""
    return server_of(runtime_from_env, served)
