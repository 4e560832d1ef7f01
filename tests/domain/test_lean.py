"""A job's own process loads the libraries without what they do not need; nobody else's does."""

import subprocess
import sys

import pytest


def packages_with(library: str, *, before: str = "pass") -> set[str]:
    """Import a learner in a process of its own, and name what came with it."""
    program = f"import sys; {before}; import mlsys.domain.learners.{library}; "
    program += "print(*[name for name, module in sys.modules.items() if module])"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


LEAN = "from mlsys.domain.learners.lean import import_lean; import_lean()"


@pytest.mark.parametrize("library", ["catboost", "lightgbm", "xgboost"])
def test_a_lean_process_imports_no_scikit_learn(library: str) -> None:
    packages = packages_with(library, before=LEAN)

    assert library in packages
    assert packages & {"pandas", "sklearn"} == set()


def test_any_other_process_keeps_the_librarys_estimators() -> None:
    pytest.importorskip("sklearn")

    assert "sklearn" in packages_with("lightgbm")


def test_what_was_imported_before_stays() -> None:
    pytest.importorskip("sklearn")

    assert "sklearn" in packages_with("lightgbm", before=f"import sklearn; {LEAN}")
