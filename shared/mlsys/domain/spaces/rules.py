"""Which samplers, pruners, objectives, folds and spaces go together."""

from collections.abc import Iterator, Mapping

from mlsys.domain.choices import Pruner
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.messages import ExperimentWish, OptunaConfig
from mlsys.domain.spaces.dimensions import Choice
from mlsys.domain.spaces.overrides import FIELD, spaces_of
from mlsys.domain.spaces.points import MAX_POINTS, grid_size, searched_numbers, sides_of, uncounted
from mlsys.domain.spaces.search import Spaces

SAMPLER = "optuna_config.sampler"
PRUNER = "optuna_config.pruner"
OPTIONS = "optuna_config.pruner_options"
P_THRESHOLD = 0.1

# They learn from all parameters of a trial together, which three libraries do not share.
OF_ONE_LIBRARY = {"CmaEs", "GP", "NSGAII"}
STARTED: tuple[Pruner, ...] = ("MedianPruner", "PercentilePruner", "PatientPruner")
HALVING: tuple[Pruner, ...] = ("HyperbandPruner", "SuccessiveHalvingPruner")
BELONGS: Mapping[str, tuple[Pruner, ...]] = {
    "n_startup_trials": STARTED,
    "n_warmup_steps": (*STARTED, "ThresholdPruner"),
    "percentile": ("PercentilePruner",),
    "min_resource": HALVING,
    "reduction_factor": HALVING,
    "lower": ("ThresholdPruner",),
    "upper": ("ThresholdPruner",),
    "patience": ("PatientPruner",),
    "min_delta": ("PatientPruner",),
    "p_threshold": ("WilcoxonPruner",),
    "n_startup_steps": ("WilcoxonPruner",),
}
"""Which pruners an option is for."""


def search_problems(
    wish: ExperimentWish, *, folded: bool, folds: int | None
) -> Iterator[Violation]:
    """Say what of a search does not go together.

    Args:
        wish: what is asked for.
        folded: whether trials are judged by folds.
        folds: by how many; None if that is not known yet.
    """
    yield from _unfit_objectives(wish)
    yield from _unfit_pruner(wish.optuna_config, folded=folded, folds=folds)
    if wish.model_type == "auto" and wish.optuna_config.sampler in OF_ONE_LIBRARY:
        sampler = wish.optuna_config.sampler
        yield Violation(SAMPLER, f"{sampler} cannot tune several libraries at once: ask for TPE")
    try:
        spaces = spaces_of(wish)
    except InvalidInput as error:
        yield from error.violations
        return
    if wish.optuna_config.sampler == "Grid":
        yield from _unfit_grid(wish, spaces)
    if wish.optuna_config.sampler == "CmaEs" and len(spaces) == 1:
        yield from _unfit_for_cma(spaces)


def _unfit_objectives(wish: ExperimentWish) -> Iterator[Violation]:
    objectives, config = wish.objectives or [], wish.optuna_config
    if len(set(objectives)) < len(objectives):
        yield Violation("objectives", f"{objectives[0]!r} stands twice")
    if {"metric", *objectives} == {"metric"}:
        return
    if config.sampler == "CmaEs":
        yield Violation(SAMPLER, "CmaEs has one objective: ask for TPE or NSGAII")
    if config.pruner not in {"MedianPruner", "NopPruner"}:
        yield Violation(PRUNER, "nothing is pruned by several objectives: ask for NopPruner")


def _unfit_pruner(config: OptunaConfig, *, folded: bool, folds: int | None) -> Iterator[Violation]:
    options, pruner = config.pruner_options, config.pruner
    for name, pruners in BELONGS.items():
        if getattr(options, name) is not None and pruner not in pruners:
            wanted = ", ".join(pruners)
            yield Violation(f"{OPTIONS}.{name}", f"is for {wanted}, and the pruner is {pruner}")
    if pruner == "ThresholdPruner" and options.lower is None and options.upper is None:
        yield Violation(OPTIONS, "ThresholdPruner needs lower or upper")
    if options.lower is not None and options.upper is not None and options.lower >= options.upper:
        yield Violation(
            f"{OPTIONS}.lower", f"expected less than upper, {options.upper}, got {options.lower}"
        )
    if pruner != "WilcoxonPruner":
        return
    if not folded:
        yield Violation(PRUNER, "WilcoxonPruner compares folds: ask for cv_folds, or another one")
    # The test of n pairs cannot be surer than this, and a trial is not pruned by its last fold.
    threshold = P_THRESHOLD if options.p_threshold is None else options.p_threshold
    if folds is not None and 0.5 ** (folds - 1) >= threshold:
        yield Violation(
            PRUNER, f"WilcoxonPruner cannot be as sure as {threshold:g} with {folds} folds"
        )


def _unfit_grid(wish: ExperimentWish, spaces: Spaces) -> Iterator[Violation]:
    if not wish.search_space:
        yield Violation(FIELD, "Grid tries what is named here, and nothing is")
    endless = [
        (model_type, name) for model_type in spaces for name in uncounted(spaces[model_type])
    ]
    for model_type, name in endless:
        place = f"{FIELD}.{name}" if len(spaces) == 1 else f"{FIELD}.{model_type.value}.{name}"
        yield Violation(place, "Grid needs values that can be counted: say step, or a list")
    if not endless and (size := grid_size(spaces)) > MAX_POINTS:
        yield Violation(
            FIELD, f"the grid has {size} points, which is more than {MAX_POINTS}: ask for Random"
        )


def _unfit_for_cma(spaces: Spaces) -> Iterator[Violation]:
    sides = sides_of(spaces)
    for name, side in sides.items():
        if isinstance(side, Choice) and len(side.values) > 1:
            yield Violation(
                f"{FIELD}.{name}", "CmaEs searches numbers only: fix it, or ask for TPE"
            )
    if len(searched_numbers(sides)) < 2:  # noqa: PLR2004  # there is nothing to adapt otherwise
        yield Violation(FIELD, "CmaEs needs at least two parameters that vary: ask for TPE")
