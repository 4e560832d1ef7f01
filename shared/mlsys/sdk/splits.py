"""The part of a `Client` that is about splits."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.domain.ids import checked_id
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.domain.written import json_line
from mlsys.ports import ObjectInfo
from mlsys.sdk.calls import Calls, quoted
from mlsys.sdk.connections import drop
from mlsys.sdk.waiting import finished

NOT_SPLIT = "dataset.json"
SPLIT_SECONDS = 600.0


class SplitCalls:
    """Drop files, ask for splits, look at them, describe and delete them."""

    _calls: Calls

    @overload
    def upload(
        self, file: str | Path, *, entity: str, wait: Literal[False] = ...
    ) -> ObjectInfo: ...

    @overload
    def upload(
        self, file: str | Path, *, entity: str, wait: Literal[True], timeout_seconds: float = ...
    ) -> Split: ...

    def upload(
        self, file: str | Path, *, entity: str, wait: bool = False, timeout_seconds: float = 600
    ) -> ObjectInfo | Split:
        """Drop a file into the uploads bucket, whole or not at all.

        Args:
            file: a table, or the `dataset.json` that says how the entity's tables are split.
            entity: the dataset it belongs to, 1 to 64 of a-z, 0-9, `_` and `-`.
            wait: return the finished split, which may have FAILED, instead of the object.
            timeout_seconds: how long to wait.

        Raises:
            InvalidInput: the entity's or the file's name cannot be used.
            Unavailable: the split is not finished in time.
        """
        path = Path(file)
        if wait and path.name == NOT_SPLIT:
            raise InvalidInput(f"{NOT_SPLIT} is not split, so there is nothing to wait for")
        dropped = drop(path, entity=checked_id(entity, what="entity"), at=self._calls.connection)
        if not wait:
            return dropped
        return self.wait_for_split(
            entity, path.name, generation=dropped.generation, timeout_seconds=timeout_seconds
        )

    def create_split(
        self,
        entity: str,
        *,
        rows: Sequence[Mapping[str, Any]] | None = None,
        uri: str | None = None,
        strategy: str = "random",
        params: Mapping[str, Any] | None = None,
        contract: Mapping[str, Any] | None = None,
        read: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        description: str = "",
        request_id: str | None = None,
    ) -> Split:
        """Split rows, or objects in a bucket. The same again is the same split.

        Args:
            entity: the dataset that the split is of.
            rows: 1 to 10,000, each a value by column name; a `Decimal` keeps its digits.
            uri: instead: `gs://bucket/name`, or `gs://bucket/folder/` for all objects below it.
            strategy: `random`, `stratified`, `group`, …
            params: what the strategy needs, such as `{"group_column": "team"}`.
            contract: what the table must be.
            read: how a text is read, where that should not be told from it.
            labels: for whoever looks for the split later.
            description: for people.
            request_id: the same id is the same split.

        Returns:
            The split, which may have FAILED, or may be RUNNING if it is large: `watch_split`.

        Raises:
            InvalidInput: with every problem that was found, each with its path.
            NotFound: there is nothing at `uri`.
            AlreadyExists: `request_id` was used for another request, or the split was deleted.
            Unavailable: it took longer than 10 minutes; the same call goes on with it.
        """
        body = {
            "entity_id": entity,
            "data_uri": uri,
            "split_strategy": strategy,
            "split_params": None if params is None else dict(params),
            "contract": None if contract is None else dict(contract),
            "read": None if read is None else dict(read),
            "labels": None if labels is None else dict(labels),
            "description": description,
            "request_id": request_id,
        }
        given = {name: value for name, value in body.items() if value is not None}
        try:
            text = json.dumps(given, allow_nan=False)
            if rows is not None:
                lines = ",".join(map(json_line, rows))
                text = f'{text[:-1]}, "inline_data": [{lines}]}}'
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"cannot be sent as JSON: {error}; None is a missing value"
            ) from error
        return self._calls.send(
            "POST", "/v1/splits", Split, text.encode(), timeout_seconds=SPLIT_SECONDS
        )

    def split(self, id: str) -> Split:
        """Return one split, deleted or not. Raises NotFound."""
        return self._calls.get(_path(id), Split)

    def splits(
        self,
        *,
        entity: str | None = None,
        status: str | None = None,
        show_deleted: bool = False,
    ) -> Iterator[Split]:
        """Yield splits, newest first; deleted ones only if they are asked for."""
        shown = "true" if show_deleted else None
        which = {"entity_id": entity, "status": status, "show_deleted": shown}
        return self._calls.list("/v1/splits", Split, **which)

    def latest_split(self, entity: str) -> Split:
        """Return the newest split of a dataset that is READY. Raises NotFound (none is)."""
        found = self._calls.list(
            "/v1/splits", Split, entity_id=entity, status=SplitStatus.READY, page_size="1"
        )
        split = next(found, None)
        if split is None:
            raise NotFound(f"{entity} has no split that is READY")
        return split

    def update_split(
        self,
        id: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        description: str | None = None,
    ) -> Split:
        """Change labels (None takes one away) and description; the others stay.

        Raises NotFound, InvalidInput.
        """
        given = {"labels": None if labels is None else dict(labels), "description": description}
        body = {name: value for name, value in given.items() if value is not None}
        return self._calls.send("PATCH", _path(id), Split, json.dumps(body).encode())

    def delete_split(self, id: str, *, delete_artifacts: bool = False) -> Split:
        """Hide a split, until it is undeleted; or remove its files too, for ever.

        Raises NotFound, and Refused (it is RUNNING, or an unfinished experiment uses it).
        """
        query = {"delete_artifacts": "true"} if delete_artifacts else {}
        return self._calls.send("DELETE", _path(id), Split, query=query)

    def undelete_split(self, id: str) -> Split:
        """Bring a deleted split back. Raises NotFound, Refused (its files were deleted)."""
        return self._calls.send("POST", f"{_path(id)}/undelete", Split)

    def watch_split(
        self,
        id: str,
        *,
        on_look: Callable[[Split], None] | None = None,
        timeout_seconds: float = 24 * 3600,
    ) -> Split:
        """Return a split when it is finished, which may be FAILED.

        `on_look` is called with what is seen meanwhile; its `progress` says how far it is. Raises
        NotFound, Unavailable (not in time).
        """

        def look() -> Split | None:
            split = self.split(id)
            if on_look is not None:
                on_look(split)
            return None if split.status is SplitStatus.RUNNING else split

        return self._calls.wait(look, what=f"split {id}", timeout_seconds=timeout_seconds)

    def wait_for_split(
        self,
        entity: str,
        file: str,
        *,
        generation: str | None = None,
        timeout_seconds: float = 600,
    ) -> Split:
        """Return the finished split of an uploaded file, which may have FAILED.

        Without a `generation` it is the newest that is known. Raises Unavailable (not in time).
        """

        def look() -> Split | None:
            return finished(self.splits(entity=entity), f"{entity}/{file}", generation)

        return self._calls.wait(
            look, what=f"the split of {entity}/{file}", timeout_seconds=timeout_seconds
        )


def _path(id: str) -> str:
    return f"/v1/splits/{quoted(id)}"
