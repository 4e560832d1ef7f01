"""The bases of what is sent and stored, and what several kinds of records hold."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from mlsys.domain.errors import InvalidInput, MlsysError

Json = dict[str, Any]
Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


def rfc3339(moment: datetime) -> str:
    """Write a time so that the order of the texts is the order of the times.

    >>> rfc3339(datetime(2026, 11, 1, 12, tzinfo=UTC))
    '2026-11-01T12:00:00.000000Z'

    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Time = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


class Input(BaseModel):
    """Base of what people send: a misspelt field is an error, and "3" is not 3."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Record(BaseModel):
    """Base of what is stored: fields of a newer release survive an older one's rewrite."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class Failure(Record):
    """Why something ended badly, for a person to read."""

    code: str
    message: str
    details: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, error: MlsysError) -> Self:
        """Write an error down; of many violations the first 100."""
        violations = error.violations[:100] if isinstance(error, InvalidInput) else ()
        return cls(
            code=error.code,
            message=str(error)[:2000],
            details=[f"{one.field}: {one.description}"[:500] for one in violations],
        )


class File(Record):
    """An object as it was written or read."""

    uri: str
    sha256: str
    size_bytes: int
