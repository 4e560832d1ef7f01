"""Between functions-framework's Flask and our own requests and answers."""

import flask

from mlsys.edge.http import Request, Route, Runtime, respond
from mlsys.edge.openapi import described
from mlsys.edge.parsing import MAX_BODY_BYTES


def serve(
    routes: tuple[Route[Runtime], ...], request: flask.Request, runtime: Runtime
) -> flask.Response:
    """Answer a Flask request; at most one byte over the limit of a body is read."""
    answer = respond(
        described(routes),
        Request(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.stream.read(MAX_BODY_BYTES + 1),
        ),
        runtime,
    )
    return flask.Response(answer.body, int(answer.status), dict(answer.headers))
