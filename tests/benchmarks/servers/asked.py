"""What people write around a model with FastAPI: rows checked by pydantic, answers with labels."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, create_model

from tests.benchmarks.servers.scorers import described

ABOUT = described()
COLUMNS: dict[str, Any] = {
    **dict.fromkeys(ABOUT["numbers"], (float | None, None)),
    **dict.fromkeys(ABOUT["words"], (str | None, None)),
}
Row: Any = create_model("Row", **COLUMNS)


class Asked(BaseModel):
    """The body of a request."""

    instances: list[Row]


def answer(scores: Iterable[float]) -> dict[str, Any]:
    """Say the label of each row, and its probability."""
    no, yes = ABOUT["labels"]
    return {
        "predictions": [
            {"prediction": yes if score >= 0.5 else no, "probability": score} for score in scores
        ]
    }
