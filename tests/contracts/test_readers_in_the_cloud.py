"""What the readers without Google's clients make of faults, and how they sign their calls."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mlsys.adapters.gcp.reading import (
    CloudObjectReader,
    FirestoreRecordReader,
    cloud_object_reader,
    firestore_record_reader,
)
from mlsys.adapters.gcp.rest import Rest
from mlsys.adapters.gcp.tokens import TOKEN_PATH, MetadataToken, signing
from mlsys.domain.errors import NotFound, Unavailable
from tests.cloud.serving import serving
from tests.cloud.storage import StorageServer
from tests.cloud.storage_faults import Fault


@pytest.fixture
def reader(storage: StorageServer, bucket: str) -> CloudObjectReader:
    """Read from a bucket with one object."""
    name = bucket.removeprefix("gs://")
    storage.add_bucket(name)
    storage.store.put(name, "a", b"0123456789" * 1000, {}, {})
    return cloud_object_reader()


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault("status", status=status) for status in (408, 429, 500, 502, 503, 504)),
        *(Fault("reset"), Fault("broken"), Fault("corrupt")),
        Fault("status", times=3),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.times}",
)
@pytest.mark.parametrize("connected", [False, True])
def test_a_passing_fault_is_not_noticed(
    reader: CloudObjectReader, storage: StorageServer, bucket: str, fault: Fault, *, connected: bool
) -> None:
    if connected:
        reader.read(f"{bucket}/a")
    storage.break_next(Fault(fault.kind, fault.times, path="alt=media", status=fault.status))

    read = reader.read(f"{bucket}/a")

    assert read == b"0123456789" * 1000
    assert storage.faults.waiting == 0


@pytest.mark.parametrize("kind", ["status", "reset", "broken"])
def test_a_lasting_fault_is_unavailable(storage: StorageServer, bucket: str, kind: Any) -> None:
    storage.break_next(Fault(kind, times=1_000))
    impatient = CloudObjectReader(Rest(storage.url, dict, patience_seconds=0.3))

    with pytest.raises(Unavailable, match="did not answer"):
        impatient.read(f"{bucket}/a")


def test_a_content_always_damaged_on_the_way_is_unavailable(
    reader: CloudObjectReader, storage: StorageServer, bucket: str
) -> None:
    storage.break_next(Fault("corrupt", times=100, path="alt=media"))

    with pytest.raises(Unavailable, match="damaged"):
        reader.read(f"{bucket}/a")


def test_a_refusal_is_told_at_once(
    reader: CloudObjectReader, storage: StorageServer, bucket: str
) -> None:
    storage.break_next(Fault("status", status=403))

    with pytest.raises(Unavailable, match=r"refused: 403 .*permissions"):
        reader.read(f"{bucket}/a")


def test_where_nobody_listens_is_unavailable() -> None:
    with serving(None) as gone:
        url = gone.url
    reader = CloudObjectReader(Rest(url, dict, patience_seconds=0.3))

    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        reader.read("gs://bucket/a")


def test_a_server_without_tls_is_unavailable_where_it_is_wanted(storage: StorageServer) -> None:
    https = storage.url.replace("http:", "https:")
    reader = CloudObjectReader(Rest(https, dict, patience_seconds=0.3))

    with pytest.raises(Unavailable, match="SSL"):
        reader.read("gs://bucket/a")


def test_a_packed_content_is_read_as_it_is_stored(
    reader: CloudObjectReader, storage: StorageServer, bucket: str
) -> None:
    packed = gzip.compress(b"a,b\n" * 1_000)
    name = bucket.removeprefix("gs://")
    storage.store.put(name, "a.csv", packed, {"contentEncoding": "gzip"}, {})

    assert reader.read(f"{bucket}/a.csv") == packed


def test_a_bucket_that_is_not_there_is_not_found(reader: CloudObjectReader) -> None:
    with pytest.raises(NotFound):
        reader.read("gs://no-such-bucket/a")


@dataclass
class Google:
    """Answers in turn what it is told to, the last for ever; `asked` is what it was asked."""

    answers: list[tuple[int, Any]]
    url: str = ""
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(Request(scope, receive))
        status, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        answer: Response = JSONResponse(body, status)
        await answer(scope, receive, send)


@contextmanager
def google(*answers: tuple[int, Any]) -> Iterator[Google]:
    app = Google(list(answers))
    with serving(app) as running:
        app.url = running.url
        yield app


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (404, [{"error": {"code": 404}}], NotFound, "no such database"),
        (403, [{"error": {"code": 403}}], Unavailable, "403"),
        (200, [{"error": {"code": 14, "message": "broke off"}}], Unavailable, "broke off"),
    ],
)
def test_what_firestore_refuses_is_told(
    status: int, body: Any, kind: type[Exception], told: str
) -> None:
    with google((status, body)) as firestore:
        reader = FirestoreRecordReader(Rest(firestore.url, dict), "projects/p/databases/d")

        with pytest.raises(kind, match=told):
            reader.get("models", "churn")


def test_on_cloud_run_the_metadata_server_gives_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with google((503, {}), (200, {"access_token": "one", "expires_in": 3599})) as metadata:
        monkeypatch.setenv("K_SERVICE", "predict")
        monkeypatch.setenv("GCE_METADATA_HOST", metadata.url.removeprefix("http://"))
        signed = signing()

        headers = [signed(), signed()]

    assert headers == [{"Authorization": "Bearer one"}] * 2
    assert [one.url.path for one in metadata.asked] == [TOKEN_PATH] * 2
    assert {one.headers["metadata-flavor"] for one in metadata.asked} == {"Google"}


def test_a_token_is_renewed_before_its_end() -> None:
    tokens = [(200, {"access_token": one, "expires_in": 200}) for one in ("one", "two")]
    with google(*tokens) as metadata:
        signed = MetadataToken(Rest(metadata.url, dict))

        assert [signed()["Authorization"] for _ in tokens] == ["Bearer one", "Bearer two"]


def test_a_service_without_an_account_is_told() -> None:
    with google((404, {})) as metadata:
        signed = MetadataToken(Rest(metadata.url, dict))

        with pytest.raises(Unavailable, match="give the service an account"):
            signed()


def test_elsewhere_google_auth_finds_out_who_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with google((200, {"access_token": "one", "expires_in": 3599})) as tokens:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", _key(tmp_path, tokens.url))
        signed = signing()

        headers = [signed(), signed()]

    assert [one["authorization"] for one in headers] == ["Bearer one"] * 2
    assert len(tokens.asked) == 1


def test_who_is_refused_a_token_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with google((400, {"error": "invalid_grant"})) as tokens:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", _key(tmp_path, tokens.url))
        signed = signing()

        with pytest.raises(Unavailable, match="invalid_grant"):
            signed()


SERVICES: dict[str, Callable[[], Any]] = {
    "storage": lambda: cloud_object_reader().read("gs://bucket/a"),
    "firestore": lambda: firestore_record_reader("p", "(default)").get("models", "churn"),
}


@pytest.mark.parametrize("read", SERVICES.values(), ids=SERVICES)
def test_googles_own_services_are_asked_with_a_token(
    read: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "GOOGLE_APPLICATION_CREDENTIALS"
    for name in ("STORAGE_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", elsewhere):
        monkeypatch.delenv(name, raising=False)
    with google((404, {})) as metadata:
        monkeypatch.setenv("K_SERVICE", "predict")
        monkeypatch.setenv("GCE_METADATA_HOST", metadata.url.removeprefix("http://"))

        with pytest.raises(Unavailable, match="give the service an account"):
            read()


def _key(folder: Path, token_url: str) -> str:
    """Write a service account's key whose tokens come from `token_url`."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = {
        "type": "service_account",
        "client_email": "predict@demo-project.iam.gserviceaccount.com",
        "private_key": private.decode(),
        "private_key_id": "1",
        "token_uri": token_url,
    }
    file = folder / "key.json"
    file.write_text(json.dumps(key))
    return str(file)
