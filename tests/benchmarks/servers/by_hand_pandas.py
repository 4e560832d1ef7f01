"""What people write: FastAPI, rows checked by pydantic, made a frame of pandas."""

from typing import Any

import pandas as pd
from fastapi import FastAPI

from tests.benchmarks.servers.asked import Asked, answer
from tests.benchmarks.servers.frames import codes, encoded
from tests.benchmarks.servers.scorers import scorer

CODES = codes()
SCORE = scorer()

app = FastAPI()


@app.post("/predict")
async def predict(asked: Asked) -> dict[str, Any]:
    """Score rows."""
    frame = pd.DataFrame([row.model_dump() for row in asked.instances])
    return answer(SCORE(encoded(frame, CODES)))
