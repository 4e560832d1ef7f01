"""What may be asked of a prediction besides its rows."""

from functools import cache
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mlsys.domain.records import Input

MAX_INSTANCES = 10_000


def _all_or_some(value: object) -> object:
    """Tell true from 1, and say once what is wrong; a union would for each of its members."""
    if not isinstance(value, bool) and (not isinstance(value, int) or value < 1):
        wanted = "true, false or how many features to tell, at least 1"
        raise PydanticCustomError("explain_type", "Input should be {wanted}", {"wanted": wanted})
    return value


Explain = Annotated[bool | Annotated[int, Field(ge=1)], BeforeValidator(_all_or_some)]


class PredictParameters(Input):
    """How to answer.

    Attributes:
        explain: add the contributions of the features: of all, or of so many that moved the
            answer most, with the sum of the others.
        threshold: from which probability on the second of two classes is predicted.
        passthrough: columns that are handed back.
    """

    explain: Explain = False
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    passthrough: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)


@cache
def nothing_asked() -> PredictParameters:
    """Return how rows are answered as they come: one object, as making it takes a microsecond."""
    return PredictParameters()
