"""What may be asked of postprocessing, and whether it fits the task."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.records import Input

MAX_BANDS = 10


MAX_CUT_POINTS = 50


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


# The other members of an answer, and of the tensors that are one.
TAKEN = {"prediction", "probability", "probabilities", "threshold"}


class BandsWish(Input):
    """Bands of the probability of the second class.

    Attributes:
        cut_points: where they part, ascending; a probability at one is above it.
        labels: what they are called, from the lowest on: one more than there are cut points.
    """

    cut_points: Annotated[
        list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1, max_length=MAX_CUT_POINTS)
    ]
    labels: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Field(max_length=MAX_CUT_POINTS + 1),
    ]


class ClipWish(Input):
    """Bounds of what a regression predicts.

    Attributes:
        lower: nothing below is predicted.
        upper: nothing above is predicted.
    """

    lower: float | None = None
    upper: float | None = None


class PostprocessWish(Input):
    """What is made of predictions.

    Attributes:
        bands: of two classes, by the name under which a prediction says which band it is in.
        clip: of a regression, the bounds.
    """

    bands: Annotated[dict[str, BandsWish], Field(max_length=MAX_BANDS)] = Field(
        default_factory=dict
    )
    clip: ClipWish | None = None


def postprocess_problems(wish: PostprocessWish, *, regression: bool) -> Iterator[Violation]:
    """Hold the fields against each other and against the task; all that is wrong, at once."""
    for name, bands in wish.bands.items():
        field = f"postprocess.bands.{name[:80]}"
        if regression:
            yield Violation(field, "is for two classes, and task_type is regression")
        if not NAME.fullmatch(name):
            told = "expected a name of letters, digits and _, at most 63, that begins with no digit"
            yield Violation(field, told)
        if name in TAKEN:
            yield Violation(field, "every prediction has a member of this name: take another")
        if any(low >= high for low, high in pairwise(bands.cut_points)):
            yield Violation(f"{field}.cut_points", f"expected to ascend, got {bands.cut_points}")
        wanted = len(bands.cut_points) + 1
        if len(bands.labels) != wanted:
            told = f"expected {wanted}, one more than cut points, got {len(bands.labels)}"
            yield Violation(f"{field}.labels", told)
        for place, label in enumerate(bands.labels):
            if label in bands.labels[:place]:
                yield Violation(f"{field}.labels[{place}]", f"{label!r} stands twice")
    if wish.clip is not None:
        yield from _unfit_clip(wish.clip, regression=regression)


def check_bands(wish: PostprocessWish | None, *, task_kind: str) -> None:
    """See that there are two classes where there are bands. Raises InvalidInput."""
    if wish is not None and wish.bands and task_kind != "binary":
        name = next(iter(wish.bands))
        raise InvalidInput(
            f"postprocess.bands.{name}: two classes have one probability to part, and this is "
            f"{task_kind}; leave it out"
        )


def _unfit_clip(clip: ClipWish, *, regression: bool) -> Iterator[Violation]:
    if not regression:
        yield Violation("postprocess.clip", "is for regression, and task_type is classification")
    if clip.lower is None and clip.upper is None:
        yield Violation("postprocess.clip", "expected lower, upper or both")
    elif clip.lower is not None and clip.upper is not None and clip.lower >= clip.upper:
        told = f"expected to be above lower, {clip.lower:g}, got {clip.upper:g}"
        yield Violation("postprocess.clip.upper", told)
