"""Each deployable starts in the environment of its image; `make delivery` runs this."""

from pathlib import Path

import pytest

from tests.architecture.test_weight import start
from tests.infra.table import read_table


@pytest.mark.parametrize(
    ("name", "image"), [(name, row.image) for name, row in read_table().items()]
)
def test_a_deployable_starts_in_its_image(name: str, image: str, tmp_path: Path) -> None:
    started = start(name, f"image-{image}", tmp_path)

    assert started.packages
