"""What all readers of objects hold to: the content is what it was said to be."""

import hashlib

from mlsys.domain.errors import Corrupt


def verified(content: bytes, *, uri: str, sha256: str | None) -> bytes:
    """Return the content. Raises Corrupt: it does not have that sha256, if one is told."""
    if sha256 is not None and (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise Corrupt(f"{uri}: want sha256 {sha256}, got {found}")
    return content
