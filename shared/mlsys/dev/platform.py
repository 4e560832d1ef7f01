"""The whole platform of one home in this process: the API, the delivery of events, the jobs."""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Self

import structlog
import uvicorn

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.adapters.local.messages import Channel, Event, SqliteMessages, topic_channel
from mlsys.dev.app import build_app
from mlsys.dev.delivery import DeliveryWorker
from mlsys.dev.watcher import Watcher
from mlsys.domain.errors import AlreadyExists, InvalidInput, Unavailable
from mlsys.domain.ids import content_id
from mlsys.edge.events import OBJECT_FINALIZED
from mlsys.ports import ObjectInfo
from mlsys.runtime import Runtime
from mlsys.settings import settings_from

log = structlog.get_logger()

HOST = "127.0.0.1"
UPLOADS = Channel(OBJECT_FINALIZED, "//storage.googleapis.com/projects/_/buckets/uploads")
POLL_SECONDS = 0.01


class Platform:
    """Serves one home; `with Platform(home) as platform:` or `start` and `stop`.

    A start goes on with what was there: events not delivered, jobs not ended. A stop ends all that
    was started; a running job gets 10 seconds to leave its work so that the next start takes it up.
    """

    def __init__(self, home: Path, *, port: int = 0) -> None:
        """Prepare, without starting; port 0 is any free one."""
        self._home = home.resolve()
        self._port = port
        self._running = ExitStack()
        self.runtime = Runtime(
            settings_from().model_copy(update={"home": self._home, "backend": "local"})
        )
        self.url = ""

    @property
    def uploads(self) -> Path:
        """The folder to drop files into, as `{entity}/{file}`."""
        return self._home / self.runtime.settings.uploads_bucket

    def start(self) -> None:
        """Serve.

        Raises:
            AlreadyExists: another process serves this home; it says where.
            InvalidInput: the port is taken.

        """
        with ExitStack() as starting:
            lock = starting.enter_context(self._lock())
            listening = starting.enter_context(_listening(self._port))
            self.url = f"http://{HOST}:{listening.getsockname()[1]}"
            lock.write_text(json.dumps({"url": self.url}))
            self.uploads.mkdir(parents=True, exist_ok=True)
            starting.enter_context(self._jobs())
            starting.enter_context(_serving(self.runtime, listening))
            starting.enter_context(self._delivery())
            starting.enter_context(self._watching())
            self._running = starting.pop_all()
        log.info("platform.started", url=self.url, home=str(self._home))

    def stop(self) -> None:
        """End all that was started; nothing happens if nothing was."""
        self.runtime.stopping.set()
        self._running.close()
        self.runtime.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def _lock(self) -> Iterator[Path]:
        """Hold the home, so that no second process delivers its events."""
        self._home.mkdir(parents=True, exist_ok=True)
        path = self._home / "platform.json"
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                told = path.read_text()
                where = f"at {json.loads(told)['url']}" if told else "it is just starting"
                raise AlreadyExists(f"mlsys already runs on {self._home}: {where}") from error
            yield path

    @contextmanager
    def _jobs(self) -> Iterator[None]:
        jobs = self.runtime.jobs
        if not isinstance(jobs, SubprocessJobs):
            raise InvalidInput("the local platform needs MLSYS_BACKEND=local")
        for execution_id in jobs.resume():
            log.info("job.resumed", execution_id=execution_id)
        try:
            yield
        finally:
            for execution_id in jobs.stop_all():
                log.info("job.interrupted", execution_id=execution_id)

    def _delivery(self) -> DeliveryWorker:
        topic = topic_channel(self.runtime.settings.experiments_topic)
        return DeliveryWorker(
            self._outbox(),
            {UPLOADS: f"{self.url}/events/split", topic: f"{self.url}/events/launch"},
        )

    def _watching(self) -> Watcher:
        outbox = self._outbox()
        return Watcher(
            self.runtime.objects,
            self.runtime.settings.uploads_bucket,
            lambda info: outbox.enqueue(_finalized(info)),
        )

    def _outbox(self) -> SqliteMessages:
        messages = self.runtime.messages
        if not isinstance(messages, SqliteMessages):
            raise InvalidInput("the local platform needs MLSYS_BACKEND=local")
        return messages


def _finalized(info: ObjectInfo) -> Event:
    """Say what Cloud Storage says; the same generation is the same event.

    Of any name: who takes the event judges it, here as in the cloud.
    """
    bucket, _, key = info.uri.removeprefix("gs://").partition("/")
    data = {
        "bucket": bucket,
        "name": key,
        "generation": info.generation,
        "size": str(info.size_bytes),
        "updated": info.updated_at.isoformat(),
    }
    return Event(
        source=UPLOADS.source,
        id=content_id("upload", info.uri, info.generation),
        type=OBJECT_FINALIZED,
        subject=f"objects/{key}",
        time=datetime.now(UTC),
        data=data,
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise InvalidInput(f"port {port} is taken: choose another with --port") from error
        yield listening


@contextmanager
def _serving(runtime: Runtime, listening: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        build_app(runtime), log_config=None, access_log=False, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), name="http", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise Unavailable("the HTTP server did not start; the log says why")
        sleep(POLL_SECONDS)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
