"""The best of what people write: FastAPI, rows checked by pydantic, made an array of numpy."""

from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from tests.benchmarks.servers.scorers import described, scorer

ABOUT = described()
SCORE = scorer()
CODES = {
    name: {word: float(code) for code, word in enumerate(words)}
    for name, words in ABOUT["words"].items()
}
COLUMNS: dict[str, Any] = {
    **dict.fromkeys(ABOUT["numbers"], (float | None, None)),
    **dict.fromkeys(ABOUT["words"], (str | None, None)),
}
Row: Any = create_model("Row", **COLUMNS)


class Asked(BaseModel):
    """The body of a request."""

    instances: list[Row]


app = FastAPI()


@app.post("/predict")
async def predict(asked: Asked) -> dict[str, Any]:
    """Score rows."""
    matrix = np.array([_encoded(row) for row in asked.instances], dtype=np.float64)
    no, yes = ABOUT["labels"]
    return {
        "predictions": [
            {"prediction": yes if score >= 0.5 else no, "probability": score}
            for score in SCORE(matrix)
        ]
    }


def _encoded(row: BaseModel) -> list[float | None]:
    values = row.__dict__
    numbers = [values[name] for name in ABOUT["numbers"]]
    return numbers + [codes.get(values[name]) for name, codes in CODES.items()]
