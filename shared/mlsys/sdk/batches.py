"""The part of a `Client` that drops several files as one table."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mlsys.domain.errors import InvalidInput
from mlsys.domain.formats import COMPLETE, ignored
from mlsys.domain.ids import checked_id
from mlsys.ports import ObjectInfo
from mlsys.sdk.calls import Calls
from mlsys.sdk.connections import drop


class BatchCalls:
    """Drop batches."""

    _calls: Calls

    def upload_batch(
        self, files: str | Path | Sequence[str | Path], *, entity: str, batch: str
    ) -> ObjectInfo:
        """Drop several files that are one table, and then the `_SUCCESS` that has them split.

        `wait_for_split(entity, f"{batch}/_SUCCESS")` returns their split. A batch may be dropped
        again: its `_SUCCESS` goes first, so that nobody splits a mixture.

        Args:
            files: files, or a folder, of which hidden and unfinished files are left out.
            entity: the dataset they belong to, 1 to 64 of a-z, 0-9, `_` and `-`.
            batch: a name for what they are together, of the same characters.

        Returns:
            The `_SUCCESS`.

        Raises:
            InvalidInput: a name cannot be used or is there twice, there is no table among the
                files, or the batch already holds others, which would become part of the table.
        """
        given = [files] if isinstance(files, str | Path) else files
        tables = _tables(list(map(Path, given)))
        connection = self._calls.connection
        batch_of = f"{checked_id(entity, what='entity')}/{checked_id(batch, what='batch')}"
        folder = f"gs://{connection.settings.uploads_bucket}/{batch_of}/"
        objects = connection.objects()
        there = {found.uri.removeprefix(folder) for found in objects.list(folder)}
        others = sorted(name for name in there - {table.name for table in tables} if _visible(name))
        if others:
            raise InvalidInput(f"{folder} already holds {others[:3]}: choose another batch")
        objects.delete(f"{folder}{COMPLETE}")
        for table in tables:
            drop(table, entity=batch_of, at=connection)
        return objects.put(f"{folder}{COMPLETE}", b"")


def _tables(given: Sequence[Path]) -> list[Path]:
    tables = [file for one in given for file in (_tables_in(one) if one.is_dir() else [one])]
    unfit = [name for name, times in Counter(table.name for table in tables).items() if times > 1]
    unfit += [table.name for table in tables if ignored(table.name)]
    if unfit or not tables:
        raise InvalidInput(
            f"want one or more tables, each with a name of its own, got {unfit or 'none'}"
        )
    return tables


def _tables_in(folder: Path) -> list[Path]:
    found = [one for one in sorted(folder.iterdir()) if not ignored(one.name)]
    if deeper := [one.name for one in found if one.is_dir()]:
        raise InvalidInput(f"{folder}: want its tables directly in it, got folders {deeper[:3]}")
    return found


def _visible(name: str) -> bool:
    *folders, file = name.split("/")
    return not ignored(file) and not any(map(ignored, folders))
