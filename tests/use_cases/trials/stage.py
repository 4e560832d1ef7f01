"""A stage for threads: one acts at a time, and time passes only between its turns.

Whose turn is next, and how long one lasts, is drawn by a seed: the same seed plays the same again.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock, Thread, local
from types import TracebackType

MAX_TURNS = 20_000
MAX_TURN_SECONDS = 4.0
PATIENCE_SECONDS = 60.0


class Killed(BaseException):
    """What a killed process looks like from inside: nothing catches it."""


@dataclass
class Cast:
    """What happens to all threads of one process at once."""

    killed: bool = False
    stopped_until: float = 0.0


@dataclass(eq=False)
class Actor:
    """One thread of a process, which acts from turn to turn."""

    process: Cast
    act: Callable[[], None]
    asleep_until: float = 0.0
    turn: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.turn.acquire()

    @property
    def wakes_at(self) -> float:
        """When its next turn may be; the killed end at once."""
        return 0.0 if self.process.killed else max(self.asleep_until, self.process.stopped_until)


class Stage:
    """Turns and time; it stands in for the modules `time` and `threading`."""

    def __init__(self, seed: int, *, let_pass: Callable[[float], None]) -> None:
        self.chance = Random(seed)  # noqa: S311 - nothing secret
        self.seconds = 0.0
        self.turns = 0
        self._let_pass = let_pass
        self._actors: list[Actor] = []
        self._here = local()
        self._over = Event()
        self._error: BaseException | None = None

    @property
    def actor(self) -> Actor:
        """Whose turn it is: the thread that asks."""
        here: Actor = self._here.actor
        return here

    def enter(self, process: Cast, act: Callable[[], None]) -> None:
        """Let another thread act, at some turn from now on."""
        actor = Actor(process, act)
        self._actors.append(actor)
        Thread(target=self._perform, args=(actor,), daemon=True).start()

    def play(self) -> None:
        """Give turns until all threads have ended. Raises what one of them raised."""
        self._next().turn.release()
        assert self._over.wait(PATIENCE_SECONDS), "somebody keeps the turn"
        if self._error is not None:
            raise self._error

    def pass_on(self) -> None:
        """Let others act; return at the next turn of the thread that calls."""
        here, following = self.actor, self._next()
        if following is not here:
            following.turn.release()
            here.turn.acquire()
        if here.process.killed:
            raise Killed

    def sleep(self, seconds: float) -> None:
        """Sleep, as `time.sleep`."""
        self.actor.asleep_until = self.seconds + seconds
        self.pass_on()

    def monotonic(self) -> float:
        """Return the time, as `time.monotonic`."""
        return self.seconds

    def Lock(self) -> "Turnstile":  # noqa: N802 - as in threading
        """Make a lock at which who waits passes the turn on."""
        return Turnstile(self)

    RLock = Lock

    def _perform(self, actor: Actor) -> None:
        actor.turn.acquire()
        self._here.actor = actor
        following = None
        try:
            with suppress(Killed):
                actor.act()
            following = self._after(actor)
        finally:
            self._error = self._error or sys.exception()
            if following is None:
                self._over.set()
            else:
                following.turn.release()

    def _after(self, actor: Actor) -> Actor | None:
        self._actors.remove(actor)
        return self._next() if self._actors else None

    def _next(self) -> Actor:
        """Draw who acts next among those awake; time passes until there is one."""
        self.turns += 1
        assert self.turns < MAX_TURNS, "the play does not end"
        self._advance(self.chance.uniform(0, MAX_TURN_SECONDS))
        self._advance(max(0.0, min(one.wakes_at for one in self._actors) - self.seconds))
        return self.chance.choice([one for one in self._actors if one.wakes_at <= self.seconds])

    def _advance(self, seconds: float) -> None:
        self.seconds += seconds
        self._let_pass(seconds)


class Turnstile:
    """A lock that a thread of the stage takes as often as it likes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._holder: Actor | None = None
        self._depth = 0

    def __enter__(self) -> None:
        while self._holder not in (None, self._stage.actor):
            self._stage.pass_on()
        self._holder = self._stage.actor
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None


class StageEvent(Event):
    """An event whose `wait` takes time of the stage."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def wait(self, timeout: float | None = None) -> bool:
        self._stage.sleep(timeout or 0.0)
        return self.is_set()
