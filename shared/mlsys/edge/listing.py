"""What every list takes and answers: pages, and equality filters of its own."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from mlsys.domain.records import Input
from mlsys.ports import Scalar

PageSize = Annotated[int, Field(ge=1, le=1000)]
Item = TypeVar("Item", bound=BaseModel)


class ListQuery(Input):
    """Query parameters of a list; fields added by a subclass are filters by equality."""

    page_size: PageSize = 100
    page_token: str | None = None

    def where(self) -> Mapping[str, Scalar]:
        """Return the filters that were given."""
        filters = self.model_dump(exclude={"page_size", "page_token"}, exclude_none=True)
        return {name: str(value) for name, value in filters.items()}


class ListAnswer(BaseModel, Generic[Item]):
    """One page; without a `next_page_token` it is the last."""

    items: Sequence[Item]
    next_page_token: str | None
