"""POST /v1/predict, and the same engine for clients of Vertex AI, KServe, Triton and MLflow."""

from functools import cache
from threading import Thread

import structlog

from mlsys import __version__
from mlsys.domain.answers import Alive, Predictions, Ready, Version
from mlsys.domain.errors import InvalidInput, MlsysError, NotFound
from mlsys.domain.predict_parameters import PredictParameters, nothing_asked
from mlsys.edge.formats import inference, mlflow
from mlsys.edge.formats.instances import InstancesRequest, ModelReady
from mlsys.edge.formats.sent_rows import SentRows, sent_rows
from mlsys.edge.http import Call, Content, Json, Route
from mlsys.edge.model_openapi import model_openapi
from mlsys.edge.parsing import parse_query
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.about import about
from mlsys.use_cases.predict import PredictRequest, Rows, answer_rows
from mlsys.use_cases.readiness import ask_backends
from mlsys.use_cases.serving.loaded_models import LoadedModel, ModelSelection
from mlsys.use_cases.serving.shelf import UNFORESEEN

log = structlog.get_logger()

MAX_WALKS = 50_000
"""Of rows through trees, which take the libraries up to 2 ms."""
EXPLAINED_WALKS = 160
"""To explain a row takes as long."""


def create(call: Call, runtime: Runtime) -> Json[Predictions]:
    """Predict rows with the model that the body names."""
    asked = call.json(PredictRequest)
    return _scored(call, _find(call, runtime, asked), asked.instances, asked.parameters)


def predict_named(call: Call, runtime: Runtime) -> Json[Predictions]:
    """Predict `instances`, as Vertex AI and KServe send them."""
    return _predict_instances(call, _named(call, runtime))


def predict_default(call: Call, runtime: Runtime) -> Json[Predictions]:
    """Predict `instances` with the default model, as Vertex AI sends them to a container."""
    return _predict_instances(call, _default(call, runtime))


def describe_model(call: Call, runtime: Runtime) -> Content:
    """Describe the calls of one model in OpenAPI, with a schema of its own rows."""
    loaded = _named(call, runtime)
    call.work()
    return Content("application/json", model_openapi(loaded.model, name=loaded.version.name))


def invoke(call: Call, runtime: Runtime) -> Json[Predictions]:
    """Predict a data frame with the default model, as MLflow's clients send it."""
    loaded = _default(call, runtime)
    plan = loaded.model.plan
    if call.media_type == "text/csv":
        return _answer(call, loaded, mlflow.read_csv(call.body(), plan), nothing_asked())
    if call.media_type not in {"", "application/json"}:
        raise InvalidInput(
            f"the body is application/json or text/csv, not {call.media_type[:80]!r}"
        )
    asked = call.json(mlflow.Invocation)
    rows = mlflow.read_invocation(asked, plan)
    return _answer(call, loaded, rows, asked.params or nothing_asked())


def ping(call: Call, runtime: Runtime) -> mlflow.Pong:
    """Load the default model, if one is set."""
    _load_default(call, runtime)
    return mlflow.Pong()


def alive(_: Call, __: Runtime) -> Alive:
    """Answer without asking anybody."""
    return Alive()


def ready(call: Call, runtime: Runtime) -> Ready:
    """Tell of the models that are loaded, and before there are any of the backends."""
    _load_default(call, runtime)
    troubles = runtime.models.troubles()
    if not troubles:
        call.wait()
        bucket = runtime.settings.artifacts_bucket
        return ask_backends(bucket, records=runtime.record_reader, objects=runtime.object_reader)
    return Ready(
        status="degraded" if any(troubles.values()) else "ok",
        models={name: trouble or "ok" for name, trouble in troubles.items()},
    )


def version(_: Call, runtime: Runtime) -> Version:
    """Name the release and the commit."""
    return about(commit=runtime.settings.commit, backend=runtime.settings.backend)


def server(_: Call, __: Runtime) -> inference.ServerMetadata:
    """Name the server."""
    return inference.ServerMetadata(version=__version__)


def server_live(_: Call, __: Runtime) -> inference.ServerLive:
    """Answer without asking anybody."""
    return inference.ServerLive()


def server_ready(call: Call, runtime: Runtime) -> inference.ServerReady:
    """Load the default model, if one is set."""
    _load_default(call, runtime)
    return inference.ServerReady()


def model_metadata(call: Call, runtime: Runtime) -> inference.ModelMetadata:
    """Say which tensors a model takes and gives."""
    loaded = _named(call, runtime)
    return inference.model_metadata(
        loaded.model,
        name=loaded.version.name,
        version=loaded.version.version,
        model_type=loaded.version.model_type,
    )


def model_ready(call: Call, runtime: Runtime) -> ModelReady:
    """Load the model; below a host that also serves the registry, that one answers the path."""
    return ModelReady(name=_named(call, runtime).version.name)


def infer(call: Call, runtime: Runtime) -> inference.InferAnswer:
    """Predict tensors, one for each column."""
    if "inference-header-content-length" in call.request.headers:
        raise InvalidInput("the body has binary tensors: send JSON (binary_data=False)")
    asked = call.json(inference.InferRequest)
    loaded = _named(call, runtime)
    parameters = PredictParameters(threshold=asked.parameters.threshold)
    found = _answer(call, loaded, inference.read_tensors(asked, loaded.model), parameters)
    return inference.infer_answer(asked, found.value, loaded.model)


def load_ahead(runtime: Runtime) -> None:
    """Begin to load the default model, if one is set, while the server still starts.

    Who asks for it meanwhile waits for that; what goes wrong is logged, and tried again by who
    asks.
    """
    name = runtime.settings.default_model
    if name:
        Thread(target=_load_ahead, args=(name, runtime), name="ahead", daemon=True).start()


def served(runtime: Runtime) -> tuple[Route[Runtime], ...]:
    """Return what this process serves."""
    return routes(runtime.settings)


@cache
def routes(settings: Settings) -> tuple[Route[Runtime], ...]:
    """Return what is served with these settings: the routes, and those of Vertex AI's."""
    given = []
    if settings.predict_route:
        given.append(Route("POST", settings.predict_route, predict_default, body=InstancesRequest))
    if settings.health_route:
        given.append(Route("GET", settings.health_route, ping))
    return (*given, *ROUTES)


ROUTES = (
    Route("POST", "/v1/predict", create, body=PredictRequest),
    Route("POST", "/v1/models/{name}:predict", predict_named, body=InstancesRequest),
    Route("GET", "/v1/models/{name}/openapi.json", describe_model),
    Route("GET", "/v1/models/{name}", model_ready),
    Route("POST", "/invocations", invoke, body=mlflow.Invocation, error=mlflow.mlflow_error),
    Route("GET", "/ping", ping, error=mlflow.mlflow_error),
    Route("GET", "/health", ping, error=mlflow.mlflow_error),
    Route("GET", "/healthz", alive),
    Route("GET", "/livez", alive),
    Route("GET", "/readyz", ready),
    Route("GET", "/version", version),
    Route("GET", "/v2", server, error=inference.inference_error),
    Route("GET", "/v2/health/live", server_live, error=inference.inference_error),
    Route("GET", "/v2/health/ready", server_ready, error=inference.inference_error),
    *(
        Route(method, f"/v2/models/{{name}}{which}{what}", handle, body=body, error=error)
        for which in ("", "/versions/{version}")
        for method, what, handle, body, error in (
            ("GET", "", model_metadata, None, inference.inference_error),
            ("GET", "/ready", model_ready, None, inference.inference_error),
            ("POST", "/infer", infer, inference.InferRequest, inference.inference_error),
        )
    ),
)


def _predict_instances(call: Call, loaded: LoadedModel) -> Json[Predictions]:
    asked = call.json(InstancesRequest)
    names = [feature.name for feature in loaded.model.plan.features]
    rows = sent_rows(asked.instances, names, within="instances")
    return _answer(call, loaded, rows, asked.parameters)


def _named(call: Call, runtime: Runtime) -> LoadedModel:
    """Find the model that the path names, and its version, if that names one."""
    named = {"model" if key == "name" else key: value for key, value in call.path.items()}
    return _find(call, runtime, parse_query(named, ModelSelection))


def _default(call: Call, runtime: Runtime) -> LoadedModel:
    name = runtime.settings.default_model
    if not name:
        raise NotFound("no model is the default one: set MLSYS_DEFAULT_MODEL to its name")
    return _find(call, runtime, ModelSelection(model=name))


def _load_ahead(name: str, runtime: Runtime) -> None:
    try:
        runtime.models.find(ModelSelection(model=name))
    except (MlsysError, *UNFORESEEN) as error:
        log.warning("model.not_loaded_ahead", model=name, reason=f"{type(error).__name__}: {error}")


def _load_default(call: Call, runtime: Runtime) -> None:
    if runtime.settings.default_model:
        _default(call, runtime)


def _find(call: Call, runtime: Runtime, selection: ModelSelection) -> LoadedModel:
    loaded = runtime.models.at_hand(selection)
    if loaded is None:
        call.wait()
        loaded = runtime.models.find(selection)
    call.degraded(runtime.models.trouble(selection))
    return loaded


def _answer(
    call: Call, loaded: LoadedModel, sent: SentRows, parameters: PredictParameters
) -> Json[Predictions]:
    with sent.told_in_place():
        return _scored(call, loaded, sent.rows, parameters)


def _scored(
    call: Call, loaded: LoadedModel, rows: Rows, parameters: PredictParameters
) -> Json[Predictions]:
    walks = len(rows) * loaded.model.trees * (EXPLAINED_WALKS if parameters.explain else 1)
    if walks > MAX_WALKS:
        call.work()
    return Json(answer_rows(loaded, rows, parameters, request_id=call.request_id))
