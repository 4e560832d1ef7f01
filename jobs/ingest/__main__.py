"""Deploys the ingest job: one task, `--split ID`. Memory 8 GiB, timeout 7 hours, 3 retries."""

import sys

from mlsys.handlers.ingest import main

sys.exit(main(sys.argv[1:]))
