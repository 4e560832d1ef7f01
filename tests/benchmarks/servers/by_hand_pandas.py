"""What people write: FastAPI, rows checked by pydantic, made a frame of pandas."""

from typing import Any

import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from tests.benchmarks.servers.frames import codes, encoded
from tests.benchmarks.servers.scorers import described, scorer

ABOUT = described()
CODES = codes()
SCORE = scorer()
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
    frame = pd.DataFrame([row.model_dump() for row in asked.instances])
    scores = SCORE(encoded(frame, CODES))
    no, yes = ABOUT["labels"]
    return {
        "predictions": [
            {"prediction": yes if score >= 0.5 else no, "probability": score} for score in scores
        ]
    }
