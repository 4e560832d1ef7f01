"""A split that is being made, and how far it is."""

from pathlib import Path

from mlsys import Client
from mlsys.domain.split_records import Progress, SplitStatus
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.splitting.claims import Claim, claim

ROWS = [{"n": n, "x": n / 7, "kind": "ab"[n % 2]} for n in range(60)]


def begun(home: Path) -> Claim:
    """Begin a split, and say how far it is."""
    runtime = Runtime(Settings(home=home))
    with Client.local(home) as client:
        template = client.create_split("churn", rows=ROWS, request_id="template")
    running = template.model_copy(update={"id": "split-1", "status": SplitStatus.RUNNING})
    claimed = claim(running, records=runtime.records, lease_seconds=60, now=runtime.now)
    assert isinstance(claimed, Claim)
    claimed.note(progress=Progress(step="dividing", bytes_read=50, bytes_total=200, rows=7))
    return claimed
