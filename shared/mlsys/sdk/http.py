"""A platform behind a URL."""

from http import HTTPStatus
from ipaddress import ip_address

import httpx

from mlsys.domain.errors import InvalidInput, Unavailable
from mlsys.edge.http import Answer, Request
from mlsys.ports import Objects
from mlsys.sdk.connections import ANSWER_SECONDS
from mlsys.settings import Settings, settings_from

CONNECT_RETRIES = 2


class HttpConnection:
    """A deployment, or `mlsys up`.

    Args:
        url: with or without a path that all routes lie below.
        token: sent as `Authorization: Bearer`; default: `MLSYS_TOKEN`.

    Raises:
        InvalidInput: `url` is none, or the environment's settings are wrong.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        self._settings = settings_from()
        token = self._settings.token if token is None else token
        base = _checked(url)
        self._http = httpx.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            transport=httpx.HTTPTransport(retries=CONNECT_RETRIES),
            trust_env=not _is_this_machine(base.host),
        )

    @property
    def settings(self) -> Settings:
        """What the environment says; of the deployment's own settings nothing is known."""
        return self._settings

    def send(self, request: Request, *, timeout_seconds: float = ANSWER_SECONDS) -> Answer:
        """Carry a request there and its answer back.

        Raises:
            Unavailable: nobody answers, or not in time.
        """
        try:
            answer = self._http.request(
                request.method,
                request.path,
                params=dict(request.query),
                headers=dict(request.headers),
                content=request.body,
                timeout=httpx.Timeout(ANSWER_SECONDS, read=timeout_seconds),
            )
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"{self._http.base_url} does not answer: {reason}") from error
        return Answer(_status(answer.status_code), answer.content, dict(answer.headers))

    def objects(self) -> Objects:
        """Return the deployment's Cloud Storage.

        Raises:
            InvalidInput: the project or the bucket is not set, or `mlsys[gcp]` is not installed.
        """
        if "uploads_bucket" not in self._settings.model_fields_set:
            raise InvalidInput(
                "nothing says which bucket to upload to: set MLSYS_UPLOADS_BUCKET and "
                "MLSYS_PROJECT; for a platform of this machine name its home, not its URL"
            )
        cloud = self._settings.model_dump(exclude_unset=True) | {"backend": "gcp"}
        if not self._settings.project:
            raise InvalidInput("nothing says which project the bucket is in: set MLSYS_PROJECT")
        try:
            # Only here: who does not upload needs nothing of Google's, nor what serves models.
            from mlsys.runtime import Runtime

            return Runtime(Settings.model_validate(cloud)).objects
        except ModuleNotFoundError as error:
            raise InvalidInput(
                f"uploading to Cloud Storage needs {error.name}: pip install 'mlsys[gcp]'"
            ) from error

    def attend(self) -> None:
        """Do nothing: a deployment works by itself."""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _checked(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{url[:200]!r} is not a URL: {error}") from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise InvalidInput(f"{url[:200]!r} is not a URL: want https://host or http://host:port")
    return base


def _is_this_machine(host: str) -> bool:
    """Whether no proxy should stand between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _status(code: int) -> HTTPStatus:
    """Take a status that no standard names for what its first digit says."""
    try:
        return HTTPStatus(code)
    except ValueError:
        return HTTPStatus(code // 100 * 100)
