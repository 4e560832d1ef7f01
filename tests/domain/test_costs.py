"""What a task costs."""

from mlsys.domain.costs import usd_per_second


def test_a_region_that_is_not_known_to_be_cheap_is_dear() -> None:
    cheap, dear = (
        usd_per_second(cpus=2, memory_gib=8, region=region)
        for region in ("europe-west1", "nowhere1")
    )

    assert dear == cheap * 1.2
