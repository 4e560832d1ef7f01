"""Why a model answers as it does, row by row: exact contributions that add up to its raw score."""

from collections.abc import Sequence

import numpy as np

from mlsys.domain.answers import Explanation
from mlsys.domain.artifacts import Model
from mlsys.domain.learners.base import Floats


def explained(
    model: Model, matrix: Floats, classes: Sequence[int] = (), *, top: int | None = None
) -> list[Explanation]:
    """Explain the answer for each row, in `Model.score_space`.

    Args:
        model: what answered.
        matrix: (n, k) the rows as it takes them.
        classes: (n,) of many classes the one to explain, in the order of `plan.labels`.
        top: tell so many features, those that moved the answer most; all, by default.

    """
    contributions = model.booster.contributions(matrix)
    if contributions.ndim > 2:  # noqa: PLR2004 - rows, classes and features
        contributions = contributions[np.arange(len(matrix)), np.asarray(classes, dtype=np.intp)]
    names = [feature.name for feature in model.plan.features]
    if top is None:
        return [
            Explanation(
                space=model.score_space,
                base_value=row[-1],
                contributions=dict(zip(names, row[:-1], strict=True)),
            )
            for row in contributions.tolist()
        ]
    order = np.argsort(-np.abs(contributions[:, :-1]), axis=1, kind="stable")
    return [
        Explanation(
            space=model.score_space,
            base_value=row[-1],
            contributions={names[place]: row[place] for place in places[:top]},
            others=sum(row[place] for place in places[top:]),
        )
        for row, places in zip(contributions.tolist(), order.tolist(), strict=True)
    ]
