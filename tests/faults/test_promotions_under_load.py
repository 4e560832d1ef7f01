"""Promotions reach a busy server one by one, without an error, a mixture, or memory that stays."""

from functools import partial

import pytest

from mlsys.runtime import Runtime
from mlsys.use_cases.model_heads import PromoteRequest, promote
from tests.faults.loaded_server import (
    LIBRARIES,
    NOW,
    Load,
    home_of_versions,
    server_of,
    under_load,
)
from tests.waiting import wait_for

PROMOTIONS = 200
LEVEL_MIB = 20
HELD = 2


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return home_of_versions(tmp_path_factory.mktemp("versions") / "home")


def promotions(load: Load, versions: Runtime, *, first: int, last: int) -> None:
    """Promote one version after the other, each as soon as an answer came from the one before."""
    for number in range(first, last):
        version = number % len(LIBRARIES) + 1
        request = PromoteRequest(stage="production")
        promote(f"told-v{version}", request, records=versions.records, now=NOW)
        wait_for(partial(answered_by, load, version))


def answered_by(load: Load, version: int) -> bool:
    return load.latest == version or len(load.wrong) > 0


def test_two_hundred_promotions_under_load_are_followed_without_error_mixture_or_leak(
    versions: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    with server_of(versions.settings.home, "whole") as server, under_load(server) as load:
        promotions(load, versions, first=1, last=50)
        before = server.resident_mib
        promotions(load, versions, first=50, last=PROMOTIONS + 1)
        after = server.resident_mib

    with capsys.disabled():
        told = f"{PROMOTIONS} promotions, {load.answers} answers, {len(load.wrong)} wrong"
        print(f"\n{told}, {before:.0f} and {after:.0f} MiB, {server.held} held")  # noqa: T201
    assert load.wrong == []
    assert load.answers > PROMOTIONS
    assert server.held <= HELD
    assert after - before < LEVEL_MIB


def test_an_engine_that_swaps_in_two_steps_is_found_out(versions: Runtime) -> None:
    with server_of(versions.settings.home, "torn") as server, under_load(server) as load:
        promotions(load, versions, first=1, last=20)

    assert any("answered scores of" in one for one in load.wrong)


def test_an_engine_that_lets_go_of_nothing_is_found_out(versions: Runtime) -> None:
    with server_of(versions.settings.home, "hoarding") as server, under_load(server) as load:
        promotions(load, versions, first=1, last=20)

    assert load.wrong == []
    assert server.held > HELD
