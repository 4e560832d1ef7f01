"""Which objects a `gs://` address means, each pinned to the generation that it has now."""

from collections.abc import Collection, Iterator

from mlsys.domain.errors import InvalidInput, NotFound, TooLarge
from mlsys.domain.formats import ignored
from mlsys.domain.ids import parse_folder, parse_uri
from mlsys.domain.split_records import Source
from mlsys.ports import ObjectInfo, Objects

MAX_SOURCES = 1_000
MAX_NAME_BYTES = 400_000


def pinned(uri: str, *, buckets: Collection[str], objects: Objects) -> list[Source]:
    """Look up an object, or all tables in a folder: one dataset, in the order of their names.

    In a folder what is hidden, unfinished or only a sign (`_SUCCESS`) is passed over.

    Args:
        uri: `gs://bucket/name`, or `gs://bucket/folder/`.
        buckets: those that may be read.
        objects: where they are.

    Raises:
        InvalidInput: it is no address, or of another bucket, or a folder with tables deeper in it.
        NotFound: there is no such object, or no table in the folder.
        TooLarge: there are more than 1,000 in it, or their names are too long to be recorded.
    """
    folder = uri.endswith("/")
    address = parse_folder(uri) if folder else parse_uri(uri)
    if address.bucket not in buckets:
        raise InvalidInput(
            f"want an object of bucket {' or '.join(buckets)}, got bucket {address.bucket!r}"
        )
    if not folder:
        return [_pin(objects.stat(uri))]

    found = list(_tables(uri, objects=objects))
    if not found:
        raise NotFound(f"{uri}: there is no table in this folder")
    return found


def _tables(folder: str, *, objects: Objects) -> Iterator[Source]:
    name_bytes = 0
    for number, found in enumerate(_visible(folder, objects=objects), 1):
        if "/" in found.uri.removeprefix(folder):
            raise InvalidInput(f"{folder}: want its tables directly in it, got {found.uri}")
        name_bytes += len(found.uri.encode())
        if number > MAX_SOURCES or name_bytes > MAX_NAME_BYTES:
            raise TooLarge(
                f"{folder}: want at most {MAX_SOURCES} objects, with names of {MAX_NAME_BYTES} "
                "bytes in all, got more: write fewer and larger ones"
            )
        yield _pin(found)


def _visible(folder: str, *, objects: Objects) -> Iterator[ObjectInfo]:
    for found in objects.list(folder):
        *deeper, file = found.uri.removeprefix(folder).split("/")
        if not ignored(file) and not any(one.startswith((".", "_")) for one in deeper):
            yield found


def _pin(found: ObjectInfo) -> Source:
    return Source(
        uri=str(parse_uri(found.uri)),
        generation=found.generation,
        size_bytes=found.size_bytes,
        updated_at=found.updated_at,
    )
