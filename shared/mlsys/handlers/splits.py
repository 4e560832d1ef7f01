"""GET /v1/splits: what became of the files that were dropped."""

from mlsys.domain.ids import checked_id
from mlsys.domain.records import Split, SplitStatus
from mlsys.edge.http import Call, Route
from mlsys.edge.listing import ListAnswer, ListQuery
from mlsys.repositories import SPLITS
from mlsys.runtime import Runtime


class SplitsQuery(ListQuery):
    """Filters of `GET /v1/splits`."""

    entity_id: str | None = None
    status: SplitStatus | None = None


def show(call: Call, runtime: Runtime) -> Split:
    """Read, do, return."""
    split_id = checked_id(call.path["split_id"], what="split_id")
    return SPLITS.get(split_id, records=runtime.records).value


def list_(call: Call, runtime: Runtime) -> ListAnswer[Split]:
    """Read, do, return."""
    query = call.query(SplitsQuery)
    page = SPLITS.list(
        records=runtime.records,
        where=query.where(),
        limit=query.page_size,
        cursor=query.page_token,
    )
    return ListAnswer(items=page.values, next_page_token=page.cursor)


ROUTES = (
    Route("GET", "/v1/splits", list_),
    Route("GET", "/v1/splits/{split_id}", show),
)
