"""POST /v1/predict: rows in, answers out."""

from mlsys.domain.answers import Predictions
from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.predict import PredictRequest, predict_rows


def create(call: Call, runtime: Runtime) -> Predictions:
    """Read, do, return."""
    return predict_rows(
        call.json(PredictRequest), models=runtime.models, request_id=call.request_id
    )


ROUTES = (Route("POST", "/v1/predict", create),)
