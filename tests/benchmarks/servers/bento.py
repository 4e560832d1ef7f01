"""The model behind BentoML, as its guide does it: one worker, rows as a frame of pandas."""

from typing import Any

import bentoml
import pandas as pd

from tests.benchmarks.servers.frames import codes, encoded
from tests.benchmarks.servers.scorers import scorer


@bentoml.service(workers=1, resources={"cpu": "1"})
class Scorer:
    """The service."""

    def __init__(self) -> None:
        self._codes = codes()
        self._score = scorer()

    @bentoml.api
    def predict(self, instances: list[dict[str, Any]]) -> list[float]:
        """Score rows."""
        return self._score(encoded(pd.DataFrame(instances), self._codes))
