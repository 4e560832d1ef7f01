"""From rows to answers, in one pass and without a data frame."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import Field, SkipValidation

from mlsys.domain.answers import label_name
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.explaining import explained
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Floats
from mlsys.domain.predict_parameters import MAX_INSTANCES, Explain, PredictParameters, nothing_asked
from mlsys.domain.row_encoding import MAX_VIOLATIONS, Encoded, encode_row, encode_rows
from mlsys.use_cases.serving.loaded_models import LoadedModel, ModelSelection

Rows = Sequence[Mapping[str, Any]]
_Answer = dict[str, Any]
"""A Prediction in JSON's own types."""


class PredictRequest(ModelSelection):
    """The body of `POST /v1/predict`: 1 to 10,000 rows, each a value by column name."""

    # Encoding finds out which rows are no objects, and tells all of them.
    instances: Annotated[
        list[SkipValidation[dict[str, Any]]], Field(min_length=1, max_length=MAX_INSTANCES)
    ]
    parameters: PredictParameters = Field(default_factory=nothing_asked)


def answer_rows(
    loaded: LoadedModel, rows: Rows, parameters: PredictParameters, *, request_id: str
) -> dict[str, Any]:
    """Score rows with a model that was found: what every format of a prediction comes down to.

    Returns `Predictions` in JSON's own types: to check each of many rows takes longer than to
    write all of them down.

    Raises:
        InvalidInput: everything wrong with the rows, each as `instances[3].age`.

    """
    plan = loaded.model.plan
    plain = len(rows) == 1 and not parameters.passthrough and not parameters.explain
    alone = encode_row(plan, rows[0]) if plain else None
    if alone is None:
        matrix, warnings = _encoded(rows, parameters.passthrough, plan)
        answers = _answers(loaded, loaded.model.predict(matrix).tolist(), parameters.threshold)
        if parameters.explain:
            _explain(loaded, matrix, answers, parameters.explain)
    else:
        scores, warnings = loaded.model.predict_row(alone), list[str]()
        many = plan.task_kind == "multiclass"
        answers = _answers(loaded, [scores] if many else scores, parameters.threshold)
    if parameters.threshold is not None and plan.task_kind != "binary":
        warnings.append("threshold: only a choice of two classes has one, so it was ignored")
    if bands := loaded.model.postprocess.bands:
        for answer in answers:
            probability = answer.get("probability") or 0
            answer["bands"] = {name: band.of(probability) for name, band in bands.items()}
    if parameters.passthrough:
        for answer, row in zip(answers, rows, strict=True):
            answer["passthrough"] = {name: row[name] for name in parameters.passthrough}
    return {
        "predictions": answers,
        "model": loaded.version.name,
        "model_id": loaded.version.id,
        "version": loaded.version.version,
        "request_id": request_id,
        "warnings": warnings,
    }


def _encoded(rows: Rows, passthrough: Sequence[str], plan: Plan) -> Encoded:
    """Encode the rows, telling what is missing to be passed through with all other problems."""
    if not passthrough or not all(isinstance(row, Mapping) for row in rows):
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


def _answers(loaded: LoadedModel, scores: Sequence[Any], threshold: float | None) -> list[_Answer]:
    plan = loaded.model.plan
    if plan.task_kind == "regression":
        return [{"prediction": value} for value in scores]
    if plan.task_kind == "binary":
        cut = loaded.model.postprocess.threshold if threshold is None else threshold
        return _of_two_classes(plan, scores, cut)
    return [_of_many_classes(plan, row) for row in scores]


def _of_two_classes(plan: Plan, scores: Sequence[float], threshold: float) -> list[_Answer]:
    no, yes = plan.labels
    no_name, yes_name = label_name(no), label_name(yes)
    return [
        {
            "prediction": yes if score >= threshold else no,
            "probability": score,
            "probabilities": {no_name: 1 - score, yes_name: score},
            "threshold": threshold,
        }
        for score in scores
    ]


def _of_many_classes(plan: Plan, row: list[float]) -> _Answer:
    best = max(range(len(row)), key=row.__getitem__)
    return {
        "prediction": plan.labels[best],
        "probability": row[best],
        "probabilities": {label_name(one): p for one, p in zip(plan.labels, row, strict=True)},
    }


def _explain(
    loaded: LoadedModel, matrix: Floats, answers: Sequence[_Answer], explain: Explain
) -> None:
    plan = loaded.model.plan
    many = plan.task_kind == "multiclass"
    told = explained(
        loaded.model,
        matrix,
        [plan.labels.index(answer["prediction"]) for answer in answers] if many else (),
        top=None if explain is True else explain,
    )
    for answer, explanation in zip(answers, told, strict=True):
        answer["explanation"] = explanation
