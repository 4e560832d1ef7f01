"""Shapes and widths that the libraries share."""

from collections.abc import Sequence

import numpy as np
from typing_extensions import TypeAliasType

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Floats, Task

LARGEST = (2 - 2**-23) * 2.0**127  # of 32 bits
Narrow = TypeAliasType("Narrow", "np.typing.NDArray[np.float32]")


def predictions_shape(task: Task, matrix: Floats) -> tuple[int, ...]:
    """Return what `Booster.predict` answers to (n, k): (n,) or (n, n_classes)."""
    return (len(matrix), task.n_scores) if task.kind == "multiclass" else (len(matrix),)


def contributions_shape(task: Task, matrix: Floats) -> tuple[int, ...]:
    """Return what `Booster.contributions` answers to (n, k), with one column for the base."""
    return (*predictions_shape(task, matrix), matrix.shape[1] + 1)


def check_width(matrix: Floats, features: int) -> None:
    """Refuse rows that are no rows of the model's. Raises InvalidInput.

    A library would read on behind the end of short ones.
    """
    if matrix.shape != (len(matrix), features):
        raise InvalidInput(f"the model takes (n, {features}), got {matrix.shape}")


def check_length(row: Sequence[float], features: int) -> None:
    """Refuse a row that is no row of the model's. Raises InvalidInput."""
    if len(row) != features:
        raise InvalidInput(f"the model takes rows of {features}, got {len(row)}")


def as_float32(matrix: Floats) -> Narrow:
    """Narrow (n, k) to rows of 32 bits, as a library would; what is too large stays finite."""
    return np.ascontiguousarray(matrix.clip(-LARGEST, LARGEST), dtype=np.float32)
