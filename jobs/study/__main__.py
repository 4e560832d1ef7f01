"""Deploys the study job: one process per task, `--experiment ID`."""

import sys

from mlsys.handlers.study import main

sys.exit(main(sys.argv[1:]))
