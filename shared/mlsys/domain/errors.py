"""What can go wrong, and whether trying again can help. Nothing here knows HTTP."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Violation:
    """One thing wrong with what was sent: where, and what was expected instead."""

    field: str
    description: str


class MlsysError(Exception):
    """Base of everything raised on purpose."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False


class InvalidInput(MlsysError):
    """What was sent cannot be used: change it and send it again."""

    code = "invalid_input"

    def __init__(self, message: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(message)
        self.violations = violations


class TooLarge(InvalidInput):
    """What was sent is over a limit: send less at once."""

    code = "too_large"


class NotFound(MlsysError):
    """No such object, record, model or route."""

    code = "not_found"


class AlreadyExists(MlsysError):
    """Something else already stands under this name."""

    code = "already_exists"


class Conflict(MlsysError):
    """The record changed between reading and writing it: read again, then decide again."""

    code = "conflict"
    retryable = True


class LostRace(MlsysError):
    """Somebody else decided first, and what was asked for no longer holds: look, then ask anew."""

    code = "lost_race"


class Refused(MlsysError):
    """A gate said no. `reasons` says why, one sentence each."""

    code = "refused"

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class Corrupt(MlsysError):
    """Stored bytes are not the bytes that were written: restore them from a good copy."""

    code = "corrupt"


class Overloaded(MlsysError):
    """More is asked than can be answered: try again after a while."""

    code = "overloaded"
    retryable = True


class Busy(MlsysError):
    """Another attempt is at the same work: try again later."""

    code = "busy"
    retryable = True


class Unavailable(MlsysError):
    """A backend did not answer: try again later."""

    code = "unavailable"
    retryable = True
