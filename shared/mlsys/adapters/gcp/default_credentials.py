"""Who this process is to Google elsewhere than on Cloud Run, as google-auth finds out."""

from threading import Lock

import google.auth
from google.auth import exceptions
from google.auth.transport.requests import Request

from mlsys.adapters.gcp.rest import Headers
from mlsys.domain.errors import Unavailable


class DefaultCredentials:
    """Application Default Credentials: a person's, a key's, or those of another cloud."""

    def __init__(self, scope: str) -> None:
        self._credentials, _ = google.auth.default(scopes=[scope])
        self._renewing = Lock()
        self._request = Request()

    def __call__(self) -> Headers:
        """Return the headers of a call. Raises Unavailable."""
        headers: dict[str, str] = {}
        try:
            with self._renewing:
                self._credentials.before_request(self._request, "GET", "", headers)
        except (exceptions.TransportError, exceptions.RefreshError) as error:
            raise Unavailable(f"Google gave no token: {error}; log in again") from error
        return headers
