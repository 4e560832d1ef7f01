"""What was found to be important to models, kept for who asks again. Needs no Polars."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from mlsys.domain.answers import Method
from mlsys.domain.feature_importance import Ranking
from mlsys.domain.records import Part

MAX_KEPT = 64


@dataclass(frozen=True)
class Sample:
    """What is looked at, and how: what makes one ranking another's equal. No part, no rows."""

    model_id: str
    method: Method
    part: Part | None = None
    rows: int = 0
    seed: int = 0
    repeats: int = 0


class Rankings:
    """The rankings that this process found last; safe for many threads.

    A version's files and its split never change, so a ranking does not either.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Sample, Ranking] = OrderedDict()
        self._changing = Lock()

    def of(self, sample: Sample, find: Callable[[], Ranking]) -> Ranking:
        """Return what was found before, or find it; two who ask at once may both find it."""
        with self._changing:
            if sample in self._kept:
                self._kept.move_to_end(sample)
                return self._kept[sample]
        found = find()
        with self._changing:
            self._kept[sample] = found
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return found
