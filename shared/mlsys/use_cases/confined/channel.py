"""What a confined child may ask of its parent: lines of JSON through a socket, answers with a pipe.

The parent answers `open`, `spool` and `write` with one line; `open` and `write` bring one end of a
pipe with it. It does not answer the others.
"""

from mlsys.domain.records import Input
from mlsys.domain.split_records import Progress

LINE_BYTES = 2**16


class Ask(Input):
    """One wish, in one field."""

    open: int | None = None
    spool: int | None = None
    write: str | None = None
    drop: str | None = None
    keep: list[str] | None = None
    progress: Progress | None = None

    def line(self) -> bytes:
        """Write it as the parent reads it."""
        return self.model_dump_json(exclude_none=True).encode() + b"\n"
