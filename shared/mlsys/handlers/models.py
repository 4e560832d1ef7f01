"""GET /v1/models: which versions there are."""

from mlsys.domain.choices import Stage
from mlsys.domain.model_records import ModelVersion
from mlsys.edge.http import Call, Route
from mlsys.edge.listing import ListAnswer, ListQuery
from mlsys.runtime import Runtime
from mlsys.use_cases.registry import get_version, list_versions


class ModelsQuery(ListQuery):
    """Filters of `GET /v1/models`."""

    name: str | None = None
    stage: Stage | None = None


def show(call: Call, runtime: Runtime) -> ModelVersion:
    """Show a version of a model."""
    return get_version(call.path["model_id"], records=runtime.records)


def list_(call: Call, runtime: Runtime) -> ListAnswer[ModelVersion]:
    """List versions, newest first."""
    query = call.query(ModelsQuery)
    page = list_versions(
        name=query.name,
        stage=query.stage,
        page_size=query.page_size,
        page_token=query.page_token,
        records=runtime.records,
    )
    return ListAnswer(items=page.values, next_page_token=page.cursor)


ROUTES = (
    Route("GET", "/v1/models", list_, query=ModelsQuery),
    Route("GET", "/v1/models/{model_id}", show),
)
