"""What a split costs beside what people would write by hand: `make bench-split`.

It prints, and judges nothing: times depend on who else uses the machine, so believe the ratios,
which are taken in one interleaved run. Every contestant is a fresh process that reads the same
CSV file and writes Parquet; `peak` is the resident memory of it and its children at its highest.
Polars and pandas are given the file itself; ours also takes it from the object store, checks and
profiles it, and stores what comes out. A contestant whose libraries are missing is left out.
"""

import argparse
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from mlsys.domain.records import PARTS
from tests.benchmarks.measured import Run, measured
from tests.benchmarks.mixed_table import write_mixed_csv

OURS = "ours"
POLARS = "polars, not split"
PANDAS = "pandas + scikit-learn"
PEERS_PYTHON = Path(".venv-peers/bin/python")


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print it."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        print(_about())
        for size_mib in asked.sizes_mib:
            file = folder / f"{size_mib}.csv"
            rows = write_mixed_csv(file, size_mib=size_mib)
            print(f"\n{file.stat().st_size / 2**20:.0f} MiB, {rows} rows")
            _compare(_contestants(file, folder, asked, size_mib), asked.repeats)
            file.unlink()
        if asked.repetition_mib:
            _repeat(folder, asked.repetition_mib)
    return 0


def _contestants(
    file: Path, folder: Path, asked: argparse.Namespace, size_mib: int
) -> dict[str, list[str]]:
    """Say how each is started, for a file of this size."""
    module = "tests.benchmarks.split_contestants"
    out = str(folder / "out")
    contestants = {
        OURS: [sys.executable, "-m", module, "ours", str(file), out],
        POLARS: [sys.executable, "-m", module, "polars", str(file), out],
    }
    if size_mib > asked.pandas_up_to_mib:
        return contestants
    if PEERS_PYTHON.exists():
        contestants[PANDAS] = [str(PEERS_PYTHON), "-m", module, "pandas", str(file), out]
    else:
        print(f"{PANDAS}: left out, there is no {PEERS_PYTHON} (make .venv-peers)")
    return contestants


def _compare(contestants: dict[str, list[str]], repeats: int) -> None:
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, command in contestants.items():
            runs[name].append(measured(command))
    ours = runs[OURS]
    for name, theirs in runs.items():
        seconds = sorted(run.seconds for run in theirs)
        ratios = sorted(
            mine.seconds / other.seconds for mine, other in zip(ours, theirs, strict=True)
        )
        print(
            f"  {name:24} {median(seconds):7.2f} s ({seconds[0]:.2f}-{seconds[-1]:.2f})"
            f"  peak {median(run.peak_mib for run in theirs):6.0f} MiB"
            f"  ours/this {median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}) of time,"
            f" {median(one.peak_mib for one in ours) / median(r.peak_mib for r in theirs):.2f}"
            " of memory"
        )


def _repeat(folder: Path, size_mib: int) -> None:
    """Split the same file twice, on one thread and on two, and compare the bytes."""
    file = folder / "again.csv"
    write_mixed_csv(file, size_mib=size_mib)
    digests = set()
    for threads in ("1", "2", "2"):
        out = folder / "out"
        command = [sys.executable, "-m", "tests.benchmarks.split_contestants", "ours"]
        subprocess.run(
            [*command, str(file), str(out)],
            check=True,
            env=os.environ | {"POLARS_MAX_THREADS": threads},
        )
        files = sorted(out.rglob("*.parquet"))
        digests.add(tuple(hashlib.sha256(one.read_bytes()).hexdigest() for one in files))
        print(f"  {threads} thread(s): {len(files)} files of {len(PARTS)}")
    print(f"{size_mib} MiB again: {'byte-identical' if len(digests) == 1 else 'NOT the same'}")


def _about() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("polars", "numpy"))
    return f"Python {platform.python_version()}, {packages}, {os.cpu_count()} cores"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="split", description=__doc__)
    parser.add_argument("--sizes-mib", type=int, nargs="+", default=[100, 1024])
    parser.add_argument("--pandas-up-to-mib", type=int, default=1024)
    parser.add_argument("--repetition-mib", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the files go")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
