"""Google's passing failures become `Unavailable`, once for every adapter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import requests
from google.api_core import exceptions as vendor
from google.api_core.retry import Retry, if_exception_type
from google.auth import exceptions as auth

from mlsys.domain.errors import Unavailable

ATTEMPT_SECONDS = 10.0
TOTAL_SECONDS = 20.0

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

REQUEST_TIMEOUT = 408
TRANSIENT = (
    ConnectionError,
    vendor.Aborted,
    vendor.BadGateway,
    vendor.Cancelled,
    vendor.GatewayTimeout,
    vendor.InternalServerError,
    vendor.ServiceUnavailable,
    vendor.TooManyRequests,
    vendor.Unknown,
    auth.TransportError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
"""Trying again can help; the subclasses DeadlineExceeded and ResourceExhausted are meant, too."""


@contextmanager
def translating() -> Iterator[None]:
    """Raise `Unavailable` where the block ends in a passing failure or in our own time limit."""
    try:
        yield
    except (*TRANSIENT, vendor.RetryError, TimeoutError) as error:
        raise Unavailable(f"Google Cloud did not answer: {error}; try again later") from error
    except vendor.ClientError as error:
        if error.code != REQUEST_TIMEOUT:
            raise
        raise Unavailable(f"Google Cloud did not answer: {error}; try again later") from error


def translated(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate an adapter's method; not a generator, whose body runs later: see `translating`."""

    @wraps(method)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with translating():
            return method(*args, **kwargs)

    return call


def patiently(attempt: Callable[[], Result]) -> Result:
    """Repeat after passing failures, for at most `TOTAL_SECONDS` and the attempt under way.

    For calls made without the vendor's own retries, whose limits are minutes, and with
    `timeout=ATTEMPT_SECONDS`.
    """
    retry = Retry(
        if_exception_type(*TRANSIENT),
        initial=0.1,
        maximum=2.0,
        multiplier=2.0,
        timeout=TOTAL_SECONDS,
    )
    return retry(attempt)()
