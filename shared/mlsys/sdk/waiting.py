"""What is waited for, among what was listed."""

from collections.abc import Iterable

from mlsys.domain.split_records import Split, SplitStatus


def finished(splits: Iterable[Split], file: str, generation: str | None) -> Split | None:
    """Return the newest split of an uploaded file, unless it is still being made.

    Args:
        splits: newest first.
        file: as `{entity}/{name}` in the uploads bucket.
        generation: of the file; None is any.
    """
    for split in splits:
        if split.source_uri.endswith(f"/{file}") and generation in {None, split.source_generation}:
            return None if split.status is SplitStatus.RUNNING else split
    return None
