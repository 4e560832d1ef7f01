"""Serves what main.py deploys by itself, as its image does: functions-framework takes longer."""

from mlsys.starting import starting

with starting(later="numpy"):
    from mlsys.handlers.predict import load_ahead, served
    from mlsys.runtime import runtime_from_env

    runtime = runtime_from_env()
    load_ahead(runtime)  # stores answer while uvicorn is imported

    from mlsys.edge.asgi import Server
    from mlsys.edge.listening import listen

try:
    listen(Server(served(runtime), runtime), host=runtime.settings.host, port=runtime.settings.port)
finally:
    runtime.close()
