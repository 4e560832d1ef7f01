"""The best of what people write: FastAPI, rows checked by pydantic, made an array of numpy."""

from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from tests.benchmarks.servers.asked import ABOUT, Asked, answer
from tests.benchmarks.servers.scorers import scorer

SCORE = scorer()
CODES = {
    name: {word: float(code) for code, word in enumerate(words)}
    for name, words in ABOUT["words"].items()
}

app = FastAPI()


@app.post("/predict")
async def predict(asked: Asked) -> dict[str, Any]:
    """Score rows."""
    matrix = np.array([_encoded(row) for row in asked.instances], dtype=np.float64)
    return answer(SCORE(matrix))


def _encoded(row: BaseModel) -> list[float | None]:
    values = row.__dict__
    numbers = [values[name] for name in ABOUT["numbers"]]
    return numbers + [codes.get(values[name]) for name, codes in CODES.items()]
