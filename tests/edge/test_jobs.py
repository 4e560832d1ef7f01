"""How a job is called and stopped: what it may be told, and what it writes into its log."""

import signal
from collections.abc import Iterator
from threading import Event

import pytest
import structlog

from mlsys.edge.jobs import JobCall, read_job_call, stop_on_signals
from mlsys.use_cases.executions import arguments_for

CARRIED = {"request_id": "r-1", "traceparent": "00-1-2-01"}


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("carried", [{}, CARRIED], ids=["alone", "carried"])
def test_a_job_reads_what_its_launcher_writes(carried: dict[str, str]) -> None:
    arguments = arguments_for("split", "split-1", carried)

    call = read_job_call(arguments, job="ingest", what="split", about=None)

    assert call == JobCall("split-1", carried)
    assert structlog.contextvars.get_contextvars() == {"split_id": "split-1", **carried}


def test_a_call_that_names_nothing_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_job_call([], job="study", what="experiment", about=None)

    said = capsys.readouterr().err
    assert "usage: study" in said
    assert "--experiment" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
@pytest.mark.usefixtures("own_signals")
def test_a_signal_asks_a_job_to_stop(number: signal.Signals) -> None:
    stop = Event()

    stop_on_signals(stop)

    assert not stop.is_set()
    signal.raise_signal(number)
    assert stop.is_set()
