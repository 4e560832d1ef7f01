"""CatBoost is imported with stand-ins for tables of others, which nobody sees afterwards."""

import os
import subprocess
import sys
from pathlib import Path

IMPORT = """
import sys
import mlsys.domain.learners.catboost

print(sorted(name for name in sys.modules if name.partition(".")[0] in {"pandas", "matplotlib"}))
try:
    import pandas
except ModuleNotFoundError:
    print("absent")
else:
    print(pandas.__file__)
"""


def test_pandas_stays_absent_where_it_is_not_installed() -> None:
    assert said(IMPORT) == ["[]", "absent"]


def test_pandas_stays_itself_where_it_is_installed(tmp_path: Path) -> None:
    installed = tmp_path / "pandas.py"
    installed.write_text("class DataFrame: ...\nclass Series: ...\n")

    assert said(IMPORT, tmp_path) == ["['pandas']", str(installed)]


SPARSE = """
import sys
import numpy as np
from mlsys.domain.scoring.catboost_package import CatBoost, Pool

print(*sorted(name for name in sys.modules if name.partition(".")[0] == "scipy"))
dense = np.arange(12.0).reshape(6, 2)
CatBoost({"iterations": 2, "logging_level": "Silent", "allow_writing_files": False}).fit(
    dense, list(range(6))
)

from catboost import _catboost
from scipy.sparse import csr_matrix

print(Pool(csr_matrix(dense)).shape, Pool(dense).shape)
print(type(_catboost.scipy.sparse.csr_matrix(dense)) is csr_matrix)
"""


def test_whoever_else_uses_catboost_may_give_it_tables_of_scipy() -> None:
    assert said(SPARSE) == ["", "(6, 2) (6, 2)", "True"]


def said(program: str, *path: Path) -> list[str]:
    """Return what a new process says, with these folders in front of its modules."""
    shared = Path(__file__).parents[2] / "shared"
    child = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, shared)))},
        timeout=60,
    )
    assert child.stderr == ""
    return child.stdout.splitlines()
