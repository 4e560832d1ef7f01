"""The page about metrics shows what real rows give, and names every field there is."""

import json
import re

import numpy as np
from pydantic import BaseModel

from mlsys.domain.evaluation.curves import Curves, PrecisionRecall, Reliability, Roc
from mlsys.domain.evaluation.reporting import (
    Confusion,
    Evaluation,
    OfClass,
    Pairs,
    Residuals,
    Scored,
    SliceMetrics,
    evaluate,
)
from mlsys.domain.learners.base import Task
from mlsys.domain.model_records import Measure
from tests.docs.pages import ROOT, examples, table

PAGE = ROOT / "docs" / "metrics.md"
SHOWN: tuple[type[BaseModel], ...] = (
    *(Evaluation, OfClass, Confusion, Residuals, Pairs, SliceMetrics, Measure),
    *(Curves, Roc, PrecisionRecall, Reliability),
)


def test_the_example_is_what_its_rows_give() -> None:
    [example] = [one for one in examples("json") if one.page == PAGE]
    rows = table(PAGE, "is")
    scored = Scored(
        target=np.array([float(label == "yes") for label, _ in rows]),
        prediction=np.array([float(probability) for _, probability in rows]),
    )
    shown = json.loads(example.text)

    found = evaluate(Task("binary", 2), ("no", "yes"), scored, threshold=0.3, learnt_from=False)

    document = found.model_dump(mode="json", exclude_none=True)
    assert shown["metrics"].items() <= document["metrics"].items()
    assert shown == {**document, "metrics": shown["metrics"]}


def test_every_field_is_explained() -> None:
    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE.read_text()))

    assert {name for model in SHOWN for name in model.model_fields} - named == set()
