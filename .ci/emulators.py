"""Run the Firestore and Pub/Sub emulators until Ctrl-C; with `--once`, only see that they start."""

import sys
from threading import Event

from tests.cloud.emulators import FIRESTORE, PUBSUB, Missing, kept_session, running


def main(*, once: bool) -> int:
    """Print what to export for clients and tests to find them."""
    with kept_session() as session:
        try:
            for emulator in (FIRESTORE, PUBSUB):
                print(f"export {emulator.variable}={running(emulator, session)}", flush=True)
        except Missing as missing:
            print(missing, file=sys.stderr)
            return 1
        if not once:
            _wait_for_interrupt()
    return 0


def _wait_for_interrupt() -> None:
    try:
        Event().wait()
    except KeyboardInterrupt:
        print("ending the emulators", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(once="--once" in sys.argv[1:]))
