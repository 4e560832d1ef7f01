"""/v1/splits: ask for a split, look at it, describe it, delete it."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from mlsys.domain.records import Input
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.edge.http import Call, Route
from mlsys.edge.listing import ListAnswer, ListQuery
from mlsys.ports import Scalar
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.create_split import CreateSplit, create_split
from mlsys.use_cases.split import split_table
from mlsys.use_cases.splits import (
    UpdateSplit,
    delete_split,
    get_split,
    undelete_split,
    update_split,
)


class SplitsQuery(ListQuery):
    """Filters of `GET /v1/splits`; what is deleted is left out unless it is asked for."""

    entity_id: str | None = None
    status: SplitStatus | None = None
    show_deleted: bool = False

    def where(self) -> Mapping[str, Scalar]:
        """Return the filters that were given, and whether deleted ones are meant too."""
        filters = {name: one for name, one in super().where().items() if name != "show_deleted"}
        return filters if self.show_deleted else {**filters, "deleted": False}


class DeleteQuery(Input):
    """Query of `DELETE /v1/splits/{split_id}`."""

    delete_artifacts: bool = False


def create(call: Call, runtime: Runtime) -> Split:
    """Split rows of the request, or objects in a bucket."""
    return create_split(
        call.json(CreateSplit, as_written=True),
        split=partial(
            split_table, workshop=runtime.workshop(call.carried()), request_id=call.request_id
        ),
        objects=runtime.objects,
        records=runtime.records,
        artifacts_bucket=runtime.settings.artifacts_bucket,
        source_buckets=runtime.settings.splittable_buckets,
    )


def show(call: Call, runtime: Runtime) -> Split:
    """Show a split."""
    return get_split(call.path["split_id"], records=runtime.records)


def list_(call: Call, runtime: Runtime) -> ListAnswer[Split]:
    """List splits, newest first."""
    query = call.query(SplitsQuery)
    page = SPLITS.list(
        records=runtime.records,
        where=query.where(),
        limit=query.page_size,
        cursor=query.page_token,
    )
    return ListAnswer(items=page.values, next_page_token=page.cursor)


def update(call: Call, runtime: Runtime) -> Split:
    """Change labels and description."""
    return update_split(
        call.path["split_id"],
        call.json(UpdateSplit),
        records=runtime.records,
        now=runtime.now(),
    )


def delete(call: Call, runtime: Runtime) -> Split:
    """Hide a split, or remove its files too."""
    return delete_split(
        call.path["split_id"],
        delete_artifacts=call.query(DeleteQuery).delete_artifacts,
        objects=runtime.objects,
        records=runtime.records,
        artifacts_bucket=runtime.settings.artifacts_bucket,
        now=runtime.now(),
    )


def undelete(call: Call, runtime: Runtime) -> Split:
    """Bring a deleted split back."""
    return undelete_split(call.path["split_id"], records=runtime.records, now=runtime.now())


ROUTES = (
    Route("POST", "/v1/splits", create, HTTPStatus.CREATED, body=CreateSplit),
    Route("GET", "/v1/splits", list_, query=SplitsQuery),
    Route("GET", "/v1/splits/{split_id}", show),
    Route("PATCH", "/v1/splits/{split_id}", update, body=UpdateSplit),
    Route("DELETE", "/v1/splits/{split_id}", delete, query=DeleteQuery),
    Route("POST", "/v1/splits/{split_id}/undelete", undelete),
)
