"""What runs here."""

import platform

from mlsys import __version__
from mlsys.domain.answers import Version


def about(*, commit: str, backend: str) -> Version:
    """Name the release, the commit, the backend and the Python."""
    return Version(
        version=__version__, commit=commit, backend=backend, python=platform.python_version()
    )
