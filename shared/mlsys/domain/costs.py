"""What a task of a Cloud Run job costs by the second, about: it is what `max_cost_usd` counts with.

The prices are those of "Jobs" at https://cloud.google.com/run/pricing, the tiers those of
https://cloud.google.com/run/docs/locations, in US dollars without free tier, discounts and taxes.
Only the price of a processor in tier 1 was held against a copy of that page: look there before you
rely on the others. It is an estimate: what a study reads and writes is not in it.
"""

CPU_SECOND_USD = 0.000018
GIB_SECOND_USD = 0.000002
TIER_2_FACTOR = 1.2

TIER_1 = frozenset(
    {
        "asia-east1",
        "asia-northeast1",
        "asia-northeast2",
        "europe-north1",
        "europe-southwest1",
        "europe-west1",
        "europe-west4",
        "europe-west8",
        "europe-west9",
        "me-west1",
        "us-central1",
        "us-east1",
        "us-east4",
        "us-east5",
        "us-south1",
        "us-west1",
    }
)


def usd_per_second(*, cpus: float, memory_gib: float, region: str) -> float:
    """Return what one task costs; a region that is not known to be cheaper is of the second tier.

    >>> round(3600 * usd_per_second(cpus=4, memory_gib=16, region="europe-west1"), 4)
    0.3744

    """
    tier_1 = cpus * CPU_SECOND_USD + memory_gib * GIB_SECOND_USD
    return tier_1 if region in TIER_1 else tier_1 * TIER_2_FACTOR
