"""The platform behind one host: what no route takes is answered like every other mistake."""

from pathlib import Path

import httpx
import pytest

from mlsys.dev.platform import Platform
from mlsys.domain.errors import AlreadyExists


def test_a_method_that_no_route_takes_is_refused_like_any_other_mistake(tmp_path: Path) -> None:
    with Platform(tmp_path) as platform:
        answers = [
            httpx.request(
                method,
                f"{platform.url}/v1/experiments",
                headers={"X-Request-ID": method},
                trust_env=False,
            )
            for method in ("OPTIONS", "TRACE", "HEAD", "PUT", "PROPFIND")
        ]

    for answer in answers:
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, POST"
        assert answer.headers["X-Request-ID"] == answer.request.method


def test_a_second_platform_on_a_home_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with Platform(tmp_path) as first, pytest.raises(AlreadyExists) as caught:
        Platform(tmp_path).start()

    assert str(caught.value) == f"mlsys already runs on {tmp_path}: at {first.url}"
