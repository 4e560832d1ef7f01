"""From rows to answers, in one pass and without a data frame."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from mlsys.domain.answers import Prediction, Predictions, label_name
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.explaining import explained
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Floats
from mlsys.domain.predict_parameters import MAX_INSTANCES, Explain, PredictParameters
from mlsys.domain.row_encoding import MAX_VIOLATIONS, Encoded, encode_row, encode_rows
from mlsys.use_cases.serving.loaded_models import LoadedModel, ModelSelection

Rows = Sequence[Mapping[str, Any]]


class PredictRequest(ModelSelection):
    """The body of `POST /v1/predict`: 1 to 10,000 rows, each a value by column name."""

    instances: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_INSTANCES)]
    parameters: PredictParameters = Field(default_factory=PredictParameters)


def answer_rows(
    loaded: LoadedModel, rows: Rows, parameters: PredictParameters, *, request_id: str
) -> Predictions:
    """Score rows with a model that was found: what every format of a prediction comes down to.

    Raises:
        InvalidInput: everything wrong with the rows, each as `instances[3].age`.

    """
    plan = loaded.model.plan
    plain = len(rows) == 1 and not parameters.passthrough and not parameters.explain
    alone = encode_row(plan, rows[0]) if plain else None
    if alone is None:
        matrix, warnings = _encoded(rows, parameters.passthrough, plan)
        predictions = _answers(loaded, loaded.model.predict(matrix).tolist(), parameters.threshold)
        if parameters.explain:
            predictions = _explained(loaded, matrix, predictions, parameters.explain)
    else:
        scores, warnings = loaded.model.predict_row(alone), list[str]()
        many = plan.task_kind == "multiclass"
        predictions = _answers(loaded, [scores] if many else scores, parameters.threshold)
    if parameters.threshold is not None and plan.task_kind != "binary":
        warnings.append("threshold: only a choice of two classes has one, so it was ignored")
    if loaded.model.postprocess.bands:
        predictions = _in_bands(loaded, predictions)
    if parameters.passthrough:
        predictions = [
            one.model_copy(
                update={"passthrough": {name: row[name] for name in parameters.passthrough}}
            )
            for one, row in zip(predictions, rows, strict=True)
        ]
    return Predictions(
        predictions=predictions,
        model=loaded.version.name,
        model_id=loaded.version.id,
        version=loaded.version.version,
        request_id=request_id,
        warnings=warnings,
    )


def _encoded(rows: Rows, passthrough: Sequence[str], plan: Plan) -> Encoded:
    """Encode the rows, telling what is missing to be passed through with all other problems."""
    if not passthrough:
        return encode_rows(plan, rows)
    absent = tuple(islice(_absent(rows, passthrough), MAX_VIOLATIONS))
    try:
        encoded = encode_rows(plan, _without_passed(rows, passthrough, plan))
    except InvalidInput as error:
        told = (*error.violations, *absent)[:MAX_VIOLATIONS]
        raise InvalidInput(str(error), told) from error
    if absent:
        raise InvalidInput(f"{absent[0].field} {absent[0].description}", absent)
    return encoded


def _absent(rows: Rows, passthrough: Sequence[str]) -> Iterator[Violation]:
    for place, row in enumerate(rows):
        for name in passthrough:
            if name not in row:
                field = f"instances[{place}].{name}"
                yield Violation(field, "is to be passed through, but is not there")


def _without_passed(rows: Rows, passthrough: Sequence[str], plan: Plan) -> Rows:
    """Leave out what is only passed through, so that it is no unknown column."""
    names = set(passthrough) - {feature.name for feature in plan.features}
    if not names:
        return rows
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def _answers(
    loaded: LoadedModel, scores: Sequence[Any], threshold: float | None
) -> list[Prediction]:
    plan = loaded.model.plan
    if plan.task_kind == "regression":
        return [Prediction(prediction=value) for value in scores]
    if plan.task_kind == "binary":
        cut = loaded.model.postprocess.threshold if threshold is None else threshold
        return [_binary(plan, score, cut) for score in scores]
    return [_multiclass(plan, row) for row in scores]


def _binary(plan: Plan, score: float, threshold: float) -> Prediction:
    no, yes = plan.labels
    return Prediction(
        prediction=yes if score >= threshold else no,
        probability=score,
        probabilities={label_name(no): 1 - score, label_name(yes): score},
        threshold=threshold,
    )


def _multiclass(plan: Plan, row: list[float]) -> Prediction:
    best = max(range(len(row)), key=row.__getitem__)
    return Prediction(
        prediction=plan.labels[best],
        probability=row[best],
        probabilities={label_name(label): p for label, p in zip(plan.labels, row, strict=True)},
    )


def _in_bands(loaded: LoadedModel, predictions: list[Prediction]) -> list[Prediction]:
    bands = loaded.model.postprocess.bands
    return [
        one.model_copy(
            update={"bands": {name: band.of(one.probability or 0) for name, band in bands.items()}}
        )
        for one in predictions
    ]


def _explained(
    loaded: LoadedModel, matrix: Floats, predictions: list[Prediction], explain: Explain
) -> list[Prediction]:
    plan = loaded.model.plan
    many = plan.task_kind == "multiclass"
    told = explained(
        loaded.model,
        matrix,
        [plan.labels.index(one.prediction) for one in predictions] if many else (),
        top=None if explain is True else explain,
    )
    return [
        one.model_copy(update={"explanation": explanation})
        for one, explanation in zip(predictions, told, strict=True)
    ]
