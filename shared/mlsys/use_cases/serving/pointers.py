"""What each model name points at: read behind the requests, and followed once it is loaded."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Condition
from time import monotonic
from typing import get_args

import structlog

from mlsys.domain.choices import Stage
from mlsys.domain.errors import MlsysError, NotFound
from mlsys.domain.model_records import ModelHead
from mlsys.ports import RecordReader
from mlsys.use_cases.registry import get_head, model_id_of
from mlsys.use_cases.serving.shelf import Shelf
from mlsys.use_cases.serving.turns import Turns

log = structlog.get_logger()

PATIENCE_SECONDS = 5.0
IN_TROUBLE_SECONDS = 1.0
LOOKS_AT_ONCE = 4


@dataclass(frozen=True)
class _Trouble:
    """Why a name is not followed: `model_id` cannot be loaded; or, without, nothing was read."""

    code: str
    model_id: str = ""
    reason: str = field(default="", compare=False)


@dataclass(slots=True)
class _Name:
    """What is known of a name; moments are monotonic.

    `head` was read by a look that began at `read_at`; the last look that ended, well or not, began
    at `looked_at`. Those who wait need one that began at `needed_at` or later.
    """

    head: ModelHead
    read_at: float
    believed_until: float
    looked_at: float
    asked_at: float
    needed_at: float
    looking: bool = False
    trouble: _Trouble | None = None


class Pointers:
    """Where the names point that are asked for; safe for many threads.

    A pointer is believed for `ttl_seconds`. Who comes later has it looked at again in the
    background, and goes on with what is known; who comes after nobody came for as long waits for
    that, if not for long. Nothing runs while nobody asks. Where a pointer moved, the model is
    loaded first: until then, or where it cannot be, the old one answers.
    """

    def __init__(self, *, records: RecordReader, shelf: Shelf, ttl_seconds: float) -> None:
        self._records = records
        self._shelf = shelf
        self._ttl = ttl_seconds
        self._names: dict[str, _Name] = {}
        self._changed = Condition()
        self._turns = Turns()
        self._looks = ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="pointers")
        self._closed = False

    def head(self, name: str) -> ModelHead:
        """Return where a name points.

        Raises:
            NotFound: no such model.
            Corrupt, Unavailable: of a name that was not read before.

        """
        asked_at = monotonic()
        known = self._names.get(name) or self._first(name)
        if asked_at < known.believed_until:
            known.asked_at = asked_at
            return known.head
        self._look_again(known, asked_at)
        return (self._names.get(name) or self._first(name)).head

    def head_at_hand(self, name: str) -> ModelHead | None:
        """Return where a name points if that takes no waiting, else None; see `head`."""
        asked_at = monotonic()
        known = self._names.get(name)
        if known is None:
            return None
        if asked_at < known.believed_until:
            known.asked_at = asked_at
            return known.head
        with self._changed:
            is_late = known.looked_at < self._needed(known, asked_at)
        return None if is_late and not self._closed else known.head

    def troubles(self) -> dict[str, str]:
        """Say for each name that is known why it is not followed; "" if it is."""
        return {name: self.trouble(name) for name in list(self._names)}

    def trouble(self, name: str) -> str:
        """Say why a name is not followed; "" if it is."""
        known = self._names.get(name)
        if known is None:
            return ""
        trouble, is_late = known.trouble, known.looked_at < known.needed_at
        if trouble is None and not is_late and not known.looking:
            return ""
        now = monotonic()
        due = known.needed_at if is_late else known.believed_until
        if trouble is None and now < due + PATIENCE_SECONDS:
            return ""
        if trouble is not None and trouble.model_id:
            return f"{trouble.model_id} is not loaded: {trouble.code}"
        code = "no answer yet" if trouble is None else trouble.code
        return f"pointer of {name} not read for {now - known.read_at:.0f} s: {code}"

    def close(self) -> None:
        """Look no more, and let nobody wait; what is known goes on being told."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._looks.shutdown(wait=False, cancel_futures=True)

    def _first(self, name: str) -> _Name:
        """Read a name that is not known, while who asks for the same one waits."""
        with self._turns.of(name):
            known = self._names.get(name)
            if known is None:
                now = monotonic()
                head = get_head(name, records=self._records)
                known = self._names[name] = _Name(
                    *(head, now, now + self._ttl), looked_at=now, asked_at=now, needed_at=now
                )
        return known

    def _look_again(self, known: _Name, asked_at: float) -> None:
        with self._changed:
            needed_at = self._needed(known, asked_at)
            patience = PATIENCE_SECONDS if known.trouble is None else IN_TROUBLE_SECONDS
            self._changed.wait_for(
                lambda: known.looked_at >= needed_at or self._closed,
                timeout=needed_at + patience - asked_at,
            )

    def _needed(self, known: _Name, asked_at: float) -> float:
        """Have a look begun, and return when one must have begun for who asks not to wait."""
        if asked_at < known.believed_until:  # by now
            return known.looked_at
        if asked_at - known.asked_at >= self._ttl:
            known.needed_at = asked_at
        known.asked_at = max(known.asked_at, asked_at)
        if not known.looking:
            self._start_look(known)
        return known.needed_at

    def _start_look(self, known: _Name) -> None:
        if not self._closed:
            known.looking = True
            look = self._looks.submit(self._look, known)
            look.add_done_callback(partial(self._end_look, known, monotonic()))

    def _look(self, known: _Name) -> _Trouble | None:
        """Read a pointer and follow it; return why that did not succeed."""
        began = monotonic()
        try:
            head = get_head(known.head.name, records=self._records)
        except NotFound:
            self._names.pop(known.head.name, None)
            return None
        except MlsysError as error:
            return _Trouble(error.code, reason=str(error))
        known.read_at = began
        return None if head == known.head else self._follow(known, head)

    def _follow(self, known: _Name, head: ModelHead) -> _Trouble | None:
        """Load what a head newly points at, if what it pointed at is in use, then go there.

        A stage whose model cannot be loaded stays where it is.
        """
        trouble, followed = None, list[str]()
        for stage in get_args(Stage):
            old, new = getattr(known.head, stage), getattr(head, stage)
            if old == new or None in {old, new}:
                continue
            if self._shelf.kept(model_id_of(head.name, old)) is None:
                continue
            model_id = model_id_of(head.name, new)
            try:
                self._shelf.prepare(model_id)
            except MlsysError as error:
                trouble = _Trouble(error.code, model_id, str(error))
                head = head.model_copy(update={stage: old})
            else:
                followed.append(model_id)
        known.head = head
        for model_id in followed:  # from now on; what was asked for meanwhile is older
            self._shelf.kept(model_id)
        self._shelf.make_room()
        return trouble

    def _end_look(self, known: _Name, began: float, look: Future[_Trouble | None]) -> None:
        if look.cancelled():
            return
        error = look.exception()
        trouble = look.result() if error is None else _Trouble("unforeseen", reason=repr(error))
        with self._changed:
            if trouble != known.trouble:
                _log_trouble(known.head.name, trouble, error)
            known.trouble = trouble
            known.looking = False
            known.looked_at = began
            known.believed_until = (began if trouble is None else monotonic()) + self._ttl
            if known.needed_at > began:
                self._start_look(known)
            self._changed.notify_all()


def _log_trouble(name: str, trouble: _Trouble | None, error: BaseException | None) -> None:
    if trouble is None:
        log.info("pointer.followed", model=name)
    elif error is not None:
        log.error("pointer.failed", model=name, exc_info=error)
    elif trouble.model_id:
        about = {"model_id": trouble.model_id, "code": trouble.code}
        log.warning("pointer.not_followed", model=name, reason=trouble.reason, **about)
    else:
        log.warning("pointer.not_read", model=name, code=trouble.code, reason=trouble.reason)
