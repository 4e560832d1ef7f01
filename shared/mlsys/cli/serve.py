"""Serve until told to stop."""

import signal
import sys
from pathlib import Path
from threading import Event

from mlsys import logs
from mlsys.cli.command import talk
from mlsys.dev.platform import Platform
from mlsys.settings import settings_from

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(home: Path | None, *, port: int) -> None:
    """Run the platform until SIGINT, SIGTERM or SIGHUP; then end all that it started.

    Under `nohup` SIGHUP goes on being ignored.

    Raises:
        AlreadyExists: the platform runs on this home already.
        InvalidInput: the port is taken.
    """
    settings = settings_from()
    home = settings.home if home is None else home
    logs.configure(settings.log_level, readable=sys.stderr.isatty())
    told = Event()
    before = {one: signal.getsignal(one) for one in STOPPING}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for one in before:
        signal.signal(one, lambda *_: told.set())
    try:
        with Platform(home, port=port) as platform:
            talk(f"mlsys serves {platform.url}, until Ctrl-C")
            talk(f"drop files into {platform.uploads}/ENTITY/")
            talk(f"logs of jobs are in {home.resolve() / 'jobs'}")
            while not told.wait(1):
                pass
            talk("stopping: jobs get 10 seconds to leave their work for the next start")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    talk("stopped")
