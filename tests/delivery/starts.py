"""Each deployable starts in the environment of its image, of which there is a bill.

`make delivery` runs this.
"""

import json
from pathlib import Path

import pytest

from image import IMAGES, packages, sizes
from tests.architecture.test_weight import start
from tests.infra.table import read_table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "image"), [(name, row.image) for name, row in read_table().items()]
)
def test_a_deployable_starts_in_its_image(name: str, image: str, tmp_path: Path) -> None:
    started = start(name, f"image-{image}", tmp_path)

    assert started.packages


def test_what_serves_installs_at_most_a_third_of_what_trains() -> None:
    serves, trains = (sizes(ROOT / f".venv-image-{name}").total() for name in ("serve", "train"))

    assert 0 < serves <= trains / 3


@pytest.mark.parametrize("name", IMAGES)
def test_a_bill_names_what_its_image_has(name: str) -> None:
    bill = json.loads((ROOT / "build" / "bills" / f"{name}.cdx.json").read_text())
    written = {one["name"]: one for one in bill["components"]}
    folders = packages(ROOT / f".venv-image-{name}").glob("*.dist-info")
    installed = {folder.name.partition("-")[0].replace("_", "-").lower() for folder in folders}

    hashed = [
        file["hashes"][0]["alg"] for one in written.values() for file in one["externalReferences"]
    ]

    assert {one.replace(".", "-").lower() for one in written} >= installed - {"mlsys"}
    assert set(hashed) == {"SHA-256"}
    assert not set(written) & set(IMAGES[name].without)
