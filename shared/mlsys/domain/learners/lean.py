"""The libraries without what they import only because it happens to be installed."""

import sys

UNUSED = ("pandas", "sklearn")


def import_lean() -> None:
    """Make them, in this process and from now on, load as if pandas and scikit-learn were absent.

    LightGBM and XGBoost import both, if they can, for estimators and frames that nothing here uses;
    that takes two of the three seconds until their first fit. Only for a process that is all
    ours: whoever imports scikit-learn in it later is told that there is none. What was imported
    before stays.
    """
    for name in UNUSED:
        if name not in sys.modules:
            # The import system's own way of saying that there is no such module.
            sys.modules[name] = None  # type: ignore[assignment]
