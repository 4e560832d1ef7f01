"""CatBoost is imported with a stand-in for pandas, which must not be seen afterwards."""

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
    assert imported() == ["[]", "absent"]


def test_pandas_stays_itself_where_it_is_installed(tmp_path: Path) -> None:
    installed = tmp_path / "pandas.py"
    installed.write_text("class DataFrame: ...\nclass Series: ...\n")

    assert imported(tmp_path) == ["['pandas']", str(installed)]


def imported(*path: Path) -> list[str]:
    """Return what a new process says, with these folders in front of its modules."""
    shared = Path(__file__).parents[2] / "shared"
    child = subprocess.run(
        [sys.executable, "-c", IMPORT],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, shared)))},
        timeout=60,
    )
    assert child.stderr == ""
    return child.stdout.splitlines()
