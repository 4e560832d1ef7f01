"""What may be chosen by name; it imports nothing, so a command line can offer it."""

from enum import StrEnum
from typing import Literal

Library = Literal["catboost", "xgboost", "lightgbm", "auto"]
Sampler = Literal["TPE", "Random", "Grid", "QMC", "CmaEs", "GP", "NSGAII"]
Pruner = Literal[
    "MedianPruner",
    "PercentilePruner",
    "HyperbandPruner",
    "SuccessiveHalvingPruner",
    "ThresholdPruner",
    "PatientPruner",
    "WilcoxonPruner",
    "NopPruner",
]
Stage = Literal["staging", "production"]


class TaskType(StrEnum):
    """What is learnt; whether a classification is binary is told by the data."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class ModelType(StrEnum):
    """The library that learns."""

    CATBOOST = "catboost"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
