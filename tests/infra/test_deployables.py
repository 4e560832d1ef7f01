"""infra/deployables.yaml says what the code says: which there are, where, with what, for whom."""

import re
from pathlib import Path

import pytest

from mlsys.dev.routes import ROUTES
from mlsys.edge.openapi import DESCRIBED
from mlsys.settings import PREFIX, Settings
from tests.infra.table import INFRA, ROOT, Deployable, read_table

ROWS = read_table()
SERVICES = {name: row for name, row in ROWS.items() if row.kind != "job"}
CALLED = {name: row for name, row in ROWS.items() if row.kind == "http"}
OTHER_VARIABLES = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "THREADS"}
ACK_DEADLINE_SECONDS = 600
GIB = 1024
LEAST_CPUS = {4096: 1, 8192: 2, 16384: 4, 32768: 8}
"""Cloud Run wants so many processors for so much memory."""

PORTS = {
    "record_reader": {"database"},
    "records": {"database"},
    "object_reader": {"bucket"},
    "objects": {"bucket"},
    "messages": {"topic"},
    "jobs": {"job"},
    "models": {"database", "bucket"},
    "workshop": {"database", "bucket", "job"},
}
WRITERS = {"splits", "experiments", "promotion", "split", "launch", "ingest", "study"}


def source_of(name: str) -> Path:
    return (
        ROOT
        / ("jobs" if ROWS[name].kind == "job" else "functions")
        / name
        / ("__main__.py" if ROWS[name].kind == "job" else "main.py")
    )


def handler_of(name: str) -> str:
    return (ROOT / "shared" / "mlsys" / "handlers" / f"{name}.py").read_text()


def without_names(path: str) -> str:
    return re.sub(r"{\w+}", "*", path)


def answered_on_the_common_host() -> dict[str, str]:
    """Which deployable answers a path, as the local platform decides: the first that has it."""
    owners: dict[str, str] = {}
    for route in ROUTES:
        owner = route.handle.__module__.rpartition(".")[2]
        owners.setdefault(without_names(route.path), owner)
    return owners | dict.fromkeys(DESCRIBED, "health")


def test_every_deployable_has_a_row_and_every_row_a_deployable() -> None:
    functions = {file.parent.name for file in ROOT.glob("functions/*/main.py")}
    jobs = {file.parent.name for file in ROOT.glob("jobs/*/__main__.py")}

    assert functions == set(SERVICES)
    assert jobs == set(ROWS) - set(SERVICES)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_of_the_kind_that_the_deployable_is_written_as(name: str) -> None:
    source = source_of(name).read_text()

    assert ("@functions_framework.cloud_event" in source) == (ROWS[name].kind == "event")


@pytest.mark.parametrize("name", SERVICES)
def test_what_serves_itself_says_how(name: str) -> None:
    assert (source_of(name).parent / "__main__.py").exists() == ROWS[name].alone


def test_the_paths_are_those_of_the_handlers() -> None:
    written = [(without_names(path), name) for name, row in CALLED.items() for path in row.paths]

    assert len(written) == len(dict(written))
    assert dict(written) == answered_on_the_common_host()


@pytest.mark.parametrize("name", CALLED)
def test_a_service_is_probed_where_it_answers_without_asking_anybody(name: str) -> None:
    handler = handler_of(name)

    assert CALLED[name].probe in DESCRIBED or f'"{CALLED[name].probe}", alive' in handler


@pytest.mark.parametrize("name", ROWS)
def test_memory_time_and_retries_are_those_of_the_docstring(name: str) -> None:
    row, told = ROWS[name], source_of(name).read_text()

    if memory := re.search(r"[Mm]emory (\d+) GiB", told):
        assert row.memory_mib == int(memory[1]) * GIB
    if hours := re.search(r"timeout (\d+) hours", told):
        assert row.timeout_seconds == int(hours[1]) * 3600
    if retries := re.search(r"(\d+) retries", told):
        assert row.retries == int(retries[1])


def test_what_splits_in_a_child_has_as_much_memory_and_gives_it_to_one_at_a_time() -> None:
    assert ROWS["splits"].memory_mib == ROWS["split"].memory_mib
    assert ROWS["splits"].concurrency == ROWS["split"].concurrency == 1


@pytest.mark.parametrize("name", ROWS)
def test_variables_are_settings(name: str) -> None:
    assert set(ROWS[name].environment) <= settings() | OTHER_VARIABLES


def test_terraform_names_no_variable_that_is_no_setting() -> None:
    texts = "\n".join(file.read_text() for file in INFRA.rglob("*.tf"))

    assert set(re.findall(rf"\b{PREFIX}\w+", texts)) <= settings()


def test_a_study_counts_with_what_is_paid_for() -> None:
    study = ROWS["study"]

    assert study.environment["MLSYS_STUDY_CPUS"] == str(study.cpu)
    assert study.environment["MLSYS_STUDY_MEMORY_GIB"] == str(study.memory_mib // GIB)


@pytest.mark.parametrize("name", ROWS)
def test_roles_are_for_what_the_handler_reaches(name: str) -> None:
    handler = handler_of(name)
    reached = {port for port in PORTS if re.search(rf"runtime\.{port}\b", handler)}
    kinds = {kind for port in reached for kind in PORTS[port]}
    if "ingestion=None" in handler:
        kinds.remove("job")

    assert {resource.partition("/")[0] for resource in ROWS[name].roles} == kinds


@pytest.mark.parametrize("name", ROWS)
def test_records_are_written_only_by_those_that_must(name: str) -> None:
    role = "roles/datastore.user" if name in WRITERS else "roles/datastore.viewer"

    assert ROWS[name].roles["database"] == [role]


@pytest.mark.parametrize("name", ROWS)
def test_roles_are_on_things_that_there_are(name: str) -> None:
    topics = {Settings.model_fields["experiments_topic"].default}
    jobs = {f"job/{name}" for name, row in ROWS.items() if row.kind == "job"}
    buckets = {f"bucket/{name}" for name in ("uploads", "sources", "artifacts")}
    folders = {f"bucket/artifacts/{name}" for name in ("splits", "models", "experiments")}

    known = {"database"} | {f"topic/{name}" for name in topics} | jobs | buckets | folders

    assert set(ROWS[name].roles) <= known


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.kind == "event"])
def test_an_event_comes_from_a_bucket_or_a_topic_that_there_is(name: str) -> None:
    topic = Settings.model_fields["experiments_topic"].default

    assert ROWS[name].trigger in ({"bucket": "uploads"}, {"topic": topic})


@pytest.mark.parametrize("name", CALLED)
def test_somebody_may_call_it_and_the_bill_is_bounded(name: str) -> None:
    row = CALLED[name]

    assert set(row.invokers) & {"callers", "promoters"}
    assert 1 <= (row.max_instances or 0) <= 20


@pytest.mark.parametrize("name", ROWS)
def test_cloud_run_takes_the_sizes(name: str) -> None:
    row = ROWS[name]

    assert row.cpu >= next(cpus for most, cpus in LEAST_CPUS.items() if row.memory_mib <= most)
    assert row.timeout_seconds <= longest_seconds(row)
    assert len(f"mlsys-{name}-staging") <= 30


def longest_seconds(row: Deployable) -> int:
    return {"http": 3600, "event": ACK_DEADLINE_SECONDS, "job": 168 * 3600}[row.kind]


def settings() -> set[str]:
    return {PREFIX + name.upper() for name in Settings.model_fields}
