"""What each row counts in a fit, settled before a library sees it."""

from dataclasses import replace

import numpy as np

from mlsys.domain.learners.base import Examples


def combined(examples: Examples) -> Examples:
    """Multiply the weights of rows and of their classes; () and None say that all is the same."""
    if not examples.class_weights:
        return examples
    of_class = np.array(examples.class_weights)[examples.target.astype(np.intp)]
    weights = of_class if examples.weights is None else of_class * examples.weights
    return replace(examples, weights=weights, class_weights=())


def counted(examples: Examples) -> Examples:
    """Leave out rows of weight 0, and let the others weigh 1 on the average.

    Libraries count rows of weight 0 in their bins and in the sizes of leaves, and regularise by
    sums of weights: `min_child_weight` would mean another thing in each unit of weight.
    """
    if examples.weights is None:
        return examples
    some = examples.weights > 0
    weights = examples.weights[some]
    return replace(
        examples,
        matrix=examples.matrix if some.all() else examples.matrix[some],
        target=examples.target[some],
        weights=weights / weights.mean(),
    )
