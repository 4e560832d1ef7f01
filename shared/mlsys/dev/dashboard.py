"""Optuna's own dashboard on our studies: stock, from https://github.com/optuna/optuna-dashboard."""

from collections.abc import Iterable
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import optuna_dashboard

from mlsys.ports import Records
from mlsys.use_cases.trials.storage import TrialStorage

READING = {"GET", "HEAD"}


def dashboard(records: Records) -> WSGIApplication:
    """Return the dashboard as an application, for any WSGI server; a study is named by its id.

    It only looks: what its buttons would rename, annotate or delete is refused with 405, because
    an experiment's record would not know of it.
    """
    stock: WSGIApplication = optuna_dashboard.wsgi(TrialStorage(records))

    def looking(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in READING:
            return stock(environ, start_response)
        start_response(
            "405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", "application/json")]
        )
        return [b'{"reason": "this dashboard only looks: use mlsys experiments"}']

    return looking


def listening(records: Records, *, host: str, port: int) -> WSGIServer:
    """Return a server of the dashboard that listens already; port 0 is a free one.

    Raises:
        OSError: the port is taken.
    """
    return make_server(host, port, dashboard(records), handler_class=_Quiet)


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop it."""
