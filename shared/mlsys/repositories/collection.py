"""All records of one kind: what is stored is what its model says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from mlsys.domain.errors import Conflict, Corrupt, NotFound
from mlsys.domain.records import Record
from mlsys.ports import Create, Document, Json, RecordReader, Records, Replace, Scalar

CHANGE_TRIES = 10
DOCUMENTS_PER_READ = 1_000

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Stored(Generic[R]):
    """A record as it was read. `document` is what a replace is compared with."""

    value: R
    document: Document


@dataclass(frozen=True)
class Listing(Generic[R]):
    """Some records, and where to go on: `cursor` is None at the end."""

    values: list[R]
    cursor: str | None


@dataclass(frozen=True)
class Collection(Generic[R]):
    """All records of one model. The name may be a path: `experiments/{id}/trials`."""

    name: str
    model: type[R]

    def get(self, id: str, *, records: RecordReader) -> Stored[R]:
        """Read one. Raises NotFound, Corrupt (it is not what the model says)."""
        return self._stored(records.get(self.name, id))

    def find(self, id: str, *, records: RecordReader) -> Stored[R] | None:
        """Read one, or None where there is none. Raises Corrupt."""
        try:
            return self.get(id, records=records)
        except NotFound:
            return None

    def create(self, id: str, value: R, *, records: Records) -> Stored[R]:
        """Store a new one. Raises AlreadyExists, TooLarge."""
        return Stored(value, records.create(self.name, id, _body(value)))

    def replace(self, seen: Stored[R], value: R, *, records: Records) -> Stored[R]:
        """Overwrite what was seen. Raises Conflict if it changed or went away, TooLarge."""
        return Stored(value, records.replace(seen.document, _body(value)))

    def change(self, id: str, decide: Callable[[R], R], *, records: Records) -> R:
        """Replace what stands by what `decide` makes of it, deciding anew if others were quicker.

        Nothing is written where it makes no difference. Raises NotFound, Corrupt, what `decide`
        raises, and Conflict (others were quicker ten times).
        """
        tries = 0
        while True:
            seen = self.get(id, records=records)
            decided = decide(seen.value)
            if decided == seen.value:
                return decided
            try:
                return self.replace(seen, decided, records=records).value
            except Conflict:
                tries += 1
                if tries == CHANGE_TRIES:
                    raise

    def list(
        self,
        *,
        records: Records,
        where: Mapping[str, Scalar] | None = None,
        order_by: str = "created_at",
        descending: bool = True,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Listing[R]:
        """Read what equals `where`, newest first. Raises InvalidInput (the cursor), Corrupt."""
        page = records.query(
            self.name,
            where=where,
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )
        return Listing([self._stored(one).value for one in page.documents], page.cursor)

    def each(self, *, records: Records, order_by: str) -> Iterator[R]:
        """Read all, the lowest of `order_by` first. Raises Corrupt."""
        for document in each_document(self.name, records=records, order_by=order_by):
            yield self._stored(document).value

    def creation(self, id: str, value: R) -> Create:
        """Return the write that `create` does, for a commit of several."""
        return Create(self.name, id, _body(value))

    def replacement(self, seen: Stored[R], value: R) -> Replace:
        """Return the write that `replace` does, for a commit of several."""
        return Replace(seen.document, _body(value))

    def _stored(self, document: Document) -> Stored[R]:
        try:
            return Stored(self.model.model_validate(document.body), document)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
                for one in error.errors(include_url=False, include_input=False)
            )
            raise Corrupt(
                f"{document.collection}/{document.id} is not a {self.model.__name__}: {problems}"
            ) from error


def each_document(collection: str, *, records: Records, order_by: str) -> Iterator[Document]:
    """Read all that have `order_by`, the lowest first, a page of 1,000 at a time."""
    cursor: str | None = None
    while True:
        page = records.query(collection, order_by=order_by, limit=DOCUMENTS_PER_READ, cursor=cursor)
        yield from page.documents
        cursor = page.cursor
        if cursor is None:
            return


def _body(value: Record) -> Json:
    return value.model_dump(mode="json")
