"""What holds for every test: settings and logs are its own, and CI skips no emulator."""

import os
from collections.abc import Generator

import pytest
import structlog
from hypothesis import settings


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests; a busy machine fails no property."""
    for name in [name for name in os.environ if name.startswith("MLSYS_")]:
        del os.environ[name]
    settings.register_profile("patient", settings(), deadline=None)
    settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _fresh_log() -> None:
    """Forget how another test configured the log, and what it bound."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note in the report which tests are on an emulator; `.ci/skipped.py` counts them."""
    for item in items:
        if item.get_closest_marker("emulator"):
            item.user_properties.append(("emulator", "yes"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where `CI` is set, a test that misses its emulator has failed."""
    report = yield
    if report.skipped and "CI" in os.environ and item.get_closest_marker("emulator"):
        report.outcome = "failed"
        report.longrepr = f"CI must run the emulators: {report.longrepr}"
    return report
