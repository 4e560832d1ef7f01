"""What each row counts in a fit, settled before a library sees it."""

from dataclasses import replace

import numpy as np

from mlsys.domain.learners.base import Examples


def weighed(examples: Examples) -> Examples:
    """Multiply the weights of rows and of their classes; () and None say that all is the same."""
    if not examples.class_weights:
        return examples
    of_class = np.array(examples.class_weights)[examples.target.astype(np.intp)]
    weights = of_class if examples.weights is None else of_class * examples.weights
    return replace(examples, weights=weights, class_weights=())


def counted(examples: Examples) -> Examples:
    """Leave out rows of weight 0: libraries count them in bins and in the sizes of leaves."""
    if examples.weights is None or examples.weights.all():
        return examples
    some = examples.weights > 0
    return replace(
        examples,
        matrix=examples.matrix[some],
        target=examples.target[some],
        weights=examples.weights[some],
    )
