"""The records of splits."""

from mlsys.domain.split_records import Split
from mlsys.repositories.collection import Collection

SPLITS = Collection("splits", Split)
