"""What the winner predicts for rows that it did not learn from, as its trial saw them."""

from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from mlsys.domain.evaluation.reporting import Scored
from mlsys.domain.records import Part
from mlsys.domain.spaces.search import Suggested
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import tried_fold

HeldOutName = Literal["val", "out_of_fold"]


@dataclass(frozen=True)
class HeldOut:
    """Rows of val, or without exception of train, each scored by a fit that did not see it.

    Attributes:
        name: what metrics.json calls them.
        part: whose rows they are, in their order there.
        scored: what they are, and what was predicted.
        value: the study's metric, the mean over the folds; to the bit what the trial had.
    """

    name: HeldOutName
    part: Part
    scored: Scored
    value: float


def held_out(training: Training, drawn: Suggested) -> HeldOut:
    """Fit again as a trial with these parameters did, fold by fold, and keep what is predicted."""
    tries = [tried_fold(training, drawn, place) for place, _ in enumerate(training.folds)]
    value = fmean(one.value for one in tries)
    predictions = np.concatenate([one.prediction for one in tries])
    places = [fold.places for fold in training.folds if fold.places is not None]
    if places:
        part: Part = "train"
        predictions = predictions[np.argsort(np.concatenate(places))]
    else:
        part = "val"
    rows = training.parts[part]
    scored = Scored(rows.target, predictions, rows.weights)
    return HeldOut("out_of_fold" if places else "val", part, scored, value)
