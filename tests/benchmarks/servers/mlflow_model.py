"""The model for MLflow's `models serve`: rows come as a frame of pandas, checked by a signature.

`python -m tests.benchmarks.servers.mlflow_model FOLDER` writes it there.
"""

import sys
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import set_model
from mlflow.types import ColSpec, Schema

from tests.benchmarks.servers.frames import codes, encoded
from tests.benchmarks.servers.scorers import described, scorer


class Scorer(mlflow.pyfunc.PythonModel):
    """The model, as MLflow loads it from this file."""

    def load_context(self, context: Any) -> None:
        """Load it once."""
        del context
        self._codes = codes()
        self._score = scorer()

    def predict(self, context: Any, model_input: pd.DataFrame) -> list[float]:
        """Score rows."""
        del context
        return self._score(encoded(model_input.copy(), self._codes))


def save(folder: str) -> None:
    """Write the model with its signature."""
    about = described()
    inputs = Schema(
        [
            *(ColSpec("double", name, required=False) for name in about["numbers"]),
            *(ColSpec("string", name, required=False) for name in about["words"]),
        ]
    )
    signature = mlflow.models.ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))
    mlflow.pyfunc.save_model(
        folder, python_model=__file__, signature=signature, pip_requirements=["mlflow"]
    )


if __name__ == "__main__":
    save(sys.argv[1])
else:
    set_model(Scorer())
