"""The benchmarks run; what they say is not judged here."""

import subprocess
import sys

import pytest

from tests.benchmarks.loops import BY_HAND

TINY = "--tables 400x20 --trials 2 --example-trials 2 --empty-trials 3 --far-trials 4 --repeats 1"


@pytest.mark.emulator
@pytest.mark.usefixtures("firestore_emulator")
def test_all_loops_do_the_same_study() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.study", *TINY.split()]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.count(BY_HAND) == 5
    assert said.count("ours, SQLite") == said.count("ours, Firestore") == 5
    assert said.count("ideal") == 2 * 2 * 2
    assert "did not do the same" not in said


def test_contributions_are_timed_for_each_library_and_task() -> None:
    tiny = ["--rows", "5", "--trees", "2", "--repeats", "1"]
    command = [sys.executable, "-m", "tests.benchmarks.importance", *tiny]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    lines = said.splitlines()[2:]
    assert {tuple(line.split()[:2]) for line in lines} == {
        (task, library)
        for task in ("binary", "multiclass", "regression")
        for library in ("catboost", "lightgbm", "xgboost")
    }
