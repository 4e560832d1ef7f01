"""What is to be imported later is there for whoever asks for it, however many do at once."""

import subprocess
import sys

IMPORTED = """
import sys
from mlsys.starting import starting

with starting(later="numpy"):
    import mlsys.handlers.predict
    import mlsys.domain.scoring.lightgbm, mlsys.domain.scoring.xgboost

print("numpy._core" in sys.modules)
"""
ASKED = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from mlsys.starting import starting

with starting(later="numpy"):
    import numpy as np

barrier = Barrier(8)

def ask(place):
    barrier.wait()
    return float(np.full(3, place).sum()), np.random.default_rng(place).integers(1)

with ThreadPoolExecutor(8) as pool:
    told = [total for total, _ in pool.map(ask, range(8))]

import numpy
print(told == [3.0 * place for place in range(8)], numpy.zeros is np.zeros, numpy is not np)
"""
MISSING = """
from mlsys.starting import starting

with starting(later="there_is_no_such_module"):
    import there_is_no_such_module
"""
BEFORE = """
import numpy
from mlsys.starting import starting

with starting(later="numpy"):
    import numpy as np

print(np is numpy)
"""


def test_what_predicts_a_row_imports_no_numpy_until_it_is_asked_for() -> None:
    assert said(IMPORTED) == "False"


def test_many_threads_may_ask_first() -> None:
    assert said(ASKED) == "True True True"


def test_what_is_imported_already_stays() -> None:
    assert said(BEFORE) == "True"


def test_what_is_not_installed_is_missed_at_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, check=False
    )

    assert "No module named 'there_is_no_such_module'" in ended.stderr


def said(program: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()
