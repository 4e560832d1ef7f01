"""What docs/operations.md says a thing costs is what its sizes cost at the prices that it says."""

from pathlib import Path

from mlsys.domain.costs import CPU_SECOND_USD, GIB_SECOND_USD, usd_per_second
from tests.docs.pages import OPERATIONS, table
from tests.infra.table import read_table

REGION = "europe-west1"
SERVICE_CPU_SECOND_USD, SERVICE_GIB_SECOND_USD = 0.000024, 0.0000025
MILLION_REQUESTS_USD = 0.40
LEAST_SECONDS = 0.1
MILLION = 1_000_000


def test_each_row_is_computed() -> None:
    rows = read_table()
    told = {what: cents for what, cents, *_ in table(OPERATIONS, "what")}
    study = usd_per_second(
        cpus=rows["study"].cpu, memory_gib=rows["study"].memory_mib / 1024, region=REGION
    )
    predict, split = (of_a_service(name) for name in ("predict", "split"))

    assert told == {
        "nobody asks": "0.00",
        "a study, an hour of one task": f"{3600 * study:.2f}",
        "a study of 100 trials of 10 seconds": f"{100 * 10 * study:.2f}",
        "a split of a table that a function takes, a minute": f"{60 * split:.2f}",
        "a million predictions, each alone": (
            f"{MILLION * LEAST_SECONDS * predict + MILLION_REQUESTS_USD:.2f}"
        ),
        "a million predictions, 1,000 a second on one instance": (
            f"{MILLION / 1000 * predict + MILLION_REQUESTS_USD:.2f}"
        ),
    }
    assert all(row.min_instances in {0, None} for row in rows.values())


def test_the_prices_are_those_that_the_page_says() -> None:
    page = " ".join(Path(OPERATIONS).read_text().split())

    assert f"services ${SERVICE_CPU_SECOND_USD:f} a vCPU-second" in page
    assert f"${SERVICE_GIB_SECOND_USD:.7f} a GiB-second" in page
    assert f"${MILLION_REQUESTS_USD:.2f} a million requests" in page
    assert f"jobs ${CPU_SECOND_USD:f} and ${GIB_SECOND_USD:f}." in page


def of_a_service(name: str) -> float:
    row = read_table()[name]
    gib = row.memory_mib / 1024
    return row.cpu * SERVICE_CPU_SECOND_USD + gib * SERVICE_GIB_SECOND_USD
