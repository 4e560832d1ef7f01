"""One process that splits one upload after the other, and says what memory that took.

`python -m tests.use_cases.splitting.hostile_server HOME` takes an upload, with limits, from each
line that comes in, and answers each with its record.
"""

import json
import resource
import sys
from pathlib import Path

import structlog

from mlsys.domain.formats import Limits
from mlsys.domain.messages import UploadFinished
from tests.use_cases.splitting.uploads import Platform


def main(home: Path) -> None:
    """Answer until nothing more comes in."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    platform = Platform(home)
    for line in sys.stdin:
        asked = json.loads(line)
        split = platform.deliver(
            UploadFinished(**asked["upload"]), limits=Limits(**asked["limits"])
        )
        said = {
            "split": split and split.model_dump(mode="json"),
            "parent_mib": _own_peak_mib(),
            "child_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def _own_peak_mib() -> float:
    """Read what this program took; `ru_maxrss` would count who started it, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
