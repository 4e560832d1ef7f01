"""Where a split's objects lie in the artifacts bucket."""

from mlsys.domain.split_records import Split


def split_folder(split: Split, bucket: str) -> str:
    """Name the folder of the three files and all that describes them."""
    return f"gs://{bucket}/splits/{split.id}/"


def quarantine_folder(split: Split, bucket: str) -> str:
    """Name the folder of what a contract refused, with its reasons."""
    return f"gs://{bucket}/quarantine/{split.entity_id}/{split.source_generation}/{split.id}/"


def inline_uri(entity_id: str, sha256: str, bucket: str) -> str:
    """Name the object of rows that came in a request."""
    return f"gs://{bucket}/inline/{entity_id}/{sha256}.jsonl"
