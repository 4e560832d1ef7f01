"""What may be chosen for a study, by name; it imports nothing, so a command line can offer it."""

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
