"""Turns a handler that answers at once into one that does not."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from mlsys.edge.http import Call, Runtime

Shape = TypeVar("Shape", bound=BaseModel)
Handle = Callable[[Call, Runtime], Shape]


def waiting(handle: Handle[Runtime, Shape]) -> Handle[Runtime, Shape]:
    """Wait first, as for a store."""

    def wait_and_handle(call: Call, runtime: Runtime) -> Shape:
        call.wait()
        return handle(call, runtime)

    return wait_and_handle


def working(handle: Handle[Runtime, Shape]) -> Handle[Runtime, Shape]:
    """Work for long first."""

    def work_and_handle(call: Call, runtime: Runtime) -> Shape:
        call.work()
        return handle(call, runtime)

    return work_and_handle
