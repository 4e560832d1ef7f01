"""POST /v1/importance: which features a model goes by."""

from mlsys.domain.answers import MEDIA_TYPES, Importances, PlotFormat
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.edge.http import Call, Content, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.importance import ImportanceRequest, Ranked, importance_of


def create(call: Call, runtime: Runtime) -> Importances | Content:
    """Rank the features that a model goes by, or draw them."""
    asked = call.json(ImportanceRequest)
    loaded = runtime.models.find(asked)
    call.degraded(runtime.models.trouble(asked))
    found = importance_of(
        asked,
        loaded,
        rankings=runtime.rankings,
        records=runtime.records,
        objects=runtime.objects,
        request_id=call.request_id,
    )
    return found.answer if asked.plot is None else _drawn(found, asked.plot)


ROUTES = (Route("POST", "/v1/importance", create, body=ImportanceRequest),)


def _drawn(found: Ranked, format: PlotFormat) -> Content:
    try:
        from mlsys.vis_importance import as_page, as_png, draw_importances
    except ModuleNotFoundError as error:
        told = f"nothing here draws, {error.name} is not installed: pip install 'mlsys[plots]'"
        raise InvalidInput(f"plot: {told}", (Violation("plot", told),)) from error
    figure = draw_importances(found.answer, found.swarm, coded=found.coded)
    if format == "png":
        return Content(MEDIA_TYPES[format], as_png(figure))
    page = as_page(found.answer, figure)
    return Content(f"{MEDIA_TYPES[format]}; charset=utf-8", page.encode())
