"""Who this process is to Google: the headers that its calls carry."""

import json
import os
from collections.abc import Callable
from threading import Lock
from time import time

from mlsys.adapters.gcp.rest import NOT_FOUND, Headers, Rest
from mlsys.domain.errors import Unavailable

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105  # a path
RENEWED_SECONDS = 225.0
"""So long before its end a token is replaced: the metadata server gives a new one from then on."""


def signing() -> Callable[[], Headers]:
    """Return what signs calls: as the service account on Cloud Run, else as google-auth finds out.

    On Cloud Run this asks the metadata server itself: google-auth takes 0.1 s to import.
    """
    on_cloud_run = "K_SERVICE" in os.environ or "CLOUD_RUN_JOB" in os.environ
    if on_cloud_run and "GOOGLE_APPLICATION_CREDENTIALS" not in os.environ:
        host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
        return MetadataToken(Rest(f"http://{host}", lambda: {"Metadata-Flavor": "Google"}))
    from mlsys.adapters.gcp.default_credentials import DefaultCredentials

    return DefaultCredentials(SCOPE)


class MetadataToken:
    """The token of the service account that a Cloud Run instance runs as; renewed in time."""

    def __init__(self, metadata: Rest) -> None:
        self._metadata = metadata
        self._renewing = Lock()
        self._headers: Headers = {}
        self._good_until = 0.0

    def __call__(self) -> Headers:
        """Return the header of a call. Raises Unavailable."""
        with self._renewing:
            if time() >= self._good_until:
                self._renew()
            return self._headers

    def _renew(self) -> None:
        reply = self._metadata.get(TOKEN_PATH, {})
        if reply.status == NOT_FOUND:
            raise Unavailable("the metadata server has no token: give the service an account")
        token = json.loads(reply.body)
        self._headers = {"Authorization": f"Bearer {token['access_token']}"}
        self._good_until = time() + token["expires_in"] - RENEWED_SECONDS
