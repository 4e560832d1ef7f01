"""One worker of a study: it asks for a trial, runs it, tells its end, and asks again."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from threading import Event, Thread
from types import TracebackType

import structlog
from optuna import Study, Trial
from optuna.trial import FrozenTrial

from mlsys.domain.errors import Unavailable
from mlsys.use_cases.leading.ends import End, Limits, Outcome
from mlsys.use_cases.trials.slots import TICK_SECONDS, Slots
from mlsys.use_cases.trials.storage import TrialStorage


class Heartbeat:
    """Renews the trials that a storage holds, from a thread, while its `with` block runs.

    Once `stop` is set, or when the block ends by an exception, it releases them instead.
    """

    def __init__(self, storage: TrialStorage, *, stop: Event) -> None:
        self._storage = storage
        self._stop = stop
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        if kind is not None or self._stop.is_set():
            with suppress(Unavailable):
                self._storage.release_all()

    def _beat(self) -> None:
        while not self._ended.wait(min(TICK_SECONDS, self._storage.lease_seconds / 16)):
            try:
                if self._stop.is_set():
                    self._storage.release_all()
                else:
                    self._storage.renew_due()
            except Unavailable as error:
                structlog.get_logger().warning("heartbeat.missed", reason=str(error))


def work(
    study: Study,
    objective: Callable[[Trial], float | Sequence[float]],
    *,
    storage: TrialStorage,
    stop: Event,
    draw: Callable[[Trial], object] | None = None,
    trials_at_once: int = 1,
    limits: Limits | None = None,
    on_finished: Callable[[FrozenTrial], None] | None = None,
    interrupted: Callable[[], End | None] = lambda: None,
    catch: tuple[type[Exception], ...] = (Exception,),
    poll_seconds: float = 1.0,
) -> Outcome:
    """Run trials until the storage's budget is spent and every trial of the study is finished.

    Trials of other workers are waited for, and taken over if their workers have gone, so any number
    of workers, coming and going, end with exactly `max_trials` finished trials.

    Args:
        study: on `storage`, whose `max_trials` is the budget.
        objective: what returns a trial's value, or one per direction; it may raise TrialPruned.
            Trials at once share it.
        storage: of this worker; `stop` ends all workers that share one.
        stop: set it (on SIGTERM) to release the running trials within a quarter of a second; the
            objective learns it from its next suggestion or report.
        draw: suggests what `objective` will suggest again, while no other trial is asked for: so
            trials at once are given the parameters that they would be given one by one.
        trials_at_once: each runs in a thread of its own; 1 runs in this one.
        limits: when to end before the budget is spent.
        on_finished: called with each trial that this worker finished, one at a time.
        interrupted: why no more trials are wanted, if so; the objective may then raise Interrupted,
            and its trial fails with the reason.
        catch: what an objective may raise without ending the worker. The trial fails, with the
            reason; after 5 failures in a row, whosever they were, the worker gives up.
        poll_seconds: how often to look while other workers run the last trials.

    Raises:
        Unavailable: the backend has not answered for as long as a lease.
    """
    slots = Slots(
        study,
        objective,
        storage,
        stop=stop,
        limits=limits or Limits(),
        draw=draw,
        on_finished=on_finished,
        interrupted=interrupted,
        catch=catch,
        poll_seconds=poll_seconds,
    )
    with Heartbeat(storage, stop=stop):
        if trials_at_once == 1:
            slots.run()
        else:
            _run_at_once(slots, trials_at_once)
    return slots.outcome()


def _run_at_once(slots: Slots, number: int) -> None:
    """Run so many slots to their end; what one of them raises ends all of them."""
    with ThreadPoolExecutor(number, thread_name_prefix="slot") as pool:
        running = [pool.submit(copy_context().run, slots.run) for _ in range(number)]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            with suppress(Unavailable):
                slots.break_off()
        for slot in running:
            slot.result()
