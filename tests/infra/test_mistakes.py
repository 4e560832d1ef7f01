"""Mistakes that people make in infra/ are noticed: each is made in a copy, and named."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tests.infra.conftest import written
from tests.infra.offline import TYPES, Offline, variables_of
from tests.infra.policy import Plan, findings
from tests.infra.table import TABLE, read_table

KEY = """
resource "google_service_account_key" "this" {
  service_account_id = google_service_account.this.name
}
"""
DEAD_LETTER = """  dead_letter_policy {
    dead_letter_topic     = "projects/${var.project_id}/topics/${var.dead_letters}"
    max_delivery_attempts = var.max_delivery_attempts
  }
"""
CONDITION = """  condition {
    title      = "only-${each.value.on}"
    expression = "resource.name == \\"projects/${var.project_id}/databases/${each.value.on}\\""
  }
"""
NOT_VALID = {
    "an argument is misspelt": (
        "modules/bucket/main.tf",
        "force_destroy  ",
        "force_destory  ",
        '"force_destory" is not expected here',
    ),
    "an argument is missing": (
        "modules/topic/main.tf",
        "  name                       = each.key\n",
        "",
        'The argument "name" is required',
    ),
    "a value is none of those that there are": (
        "modules/firestore/main.tf",
        '"FIRESTORE_NATIVE"',
        '"FIRESTORE"',
        "expected type to be one of",
    ),
    "a module lacks what another needs": (
        "modules/platform/main.tf",
        '  predict                = module.service["predict"].name\n',
        "",
        'The argument "predict" is required',
    ),
}
BREACHES = {
    "an event path has no dead letter": (
        "modules/event_trigger/main.tf",
        DEAD_LETTER,
        "",
        "there is no dead letter",
    ),
    "dead letters are not kept": (
        "modules/topic/main.tf",
        '  topic                      = google_pubsub_topic.this["${var.name}-dead-letters"].name',
        "  topic                      = google_pubsub_topic.this[var.name].name",
        "nothing keeps its dead letters",
    ),
    "Pub/Sub may not move dead letters": (
        "modules/event_trigger/main.tf",
        '  role         = "roles/pubsub.subscriber"',
        '  role         = "roles/pubsub.viewer"',
        "lacks roles/pubsub.subscriber on mlsys-push-",
    ),
    "everybody may call": (
        "modules/service/main.tf",
        '  role     = "roles/run.invoker"\n  member   = each.value',
        '  role     = "roles/run.invoker"\n  member   = "allUsers"',
        "everybody gets roles/run.invoker",
    ),
    "IAM is switched off": (
        "modules/service/main.tf",
        "invoker_iam_disabled = false",
        "invoker_iam_disabled = true",
        "answers everybody",
    ),
    "a basic role is given": (
        "modules/delivery/main.tf",
        "  role    = each.value\n",
        '  role    = "roles/editor"\n',
        "roles/editor is a basic role",
    ),
    "a role is on every database": (
        "modules/account/main.tf",
        CONDITION,
        "",
        "roles/datastore.viewer on every database",
    ),
    "a service has a role that the table does not give": (
        "deployables.yaml",
        "    database: [roles/datastore.viewer]\n  environment: {}\n\npromotion:",
        "    database: [roles/datastore.user]\n  environment: {}\n\npromotion:",
        "mlsys-models-dev: has roles/datastore.user on database",
    ),
    "a service runs as the default account": (
        "modules/service/main.tf",
        "    service_account                  = module.account.email\n",
        "",
        "not as its own",
    ),
    "the deployer cannot say who asks": (
        "modules/delivery/main.tf",
        "serviceAccountOpenIdTokenCreator",
        "serviceAccountViewer",
        "the deployer gets no token",
    ),
    "the deployer may not call what answers it": (
        "modules/platform/main.tf",
        '["health", "predict"]',
        '["predict"]',
        "mlsys-health-dev: the deployer may not ask for /version",
    ),
    "a variable is no setting": (
        "modules/platform/main.tf",
        "MLSYS_REGION   ",
        "MLSYS_REGOIN   ",
        "MLSYS_REGOIN is no setting",
    ),
    "a row has no function": (
        "deployables.yaml",
        "promotion:\n",
        "promotions:\n",
        "mlsys-promotions-dev: deployed and in the table are two things",
    ),
    "a job has arguments of its own": (
        "modules/job/main.tf",
        "        command = var.command\n",
        '        command = ["python"]\n        args    = ["jobs/study"]\n',
        "whoever starts it replaces",
    ),
    "a bucket could be public": (
        "modules/bucket/main.tf",
        '"enforced"',
        '"inherited"',
        "could be made public",
    ),
    "an event function is open to the world": (
        "modules/platform/main.tf",
        '"INGRESS_TRAFFIC_INTERNAL_ONLY"',
        '"INGRESS_TRAFFIC_ALL"',
        "reached from INGRESS_TRAFFIC_ALL",
    ),
}


@pytest.mark.terraform
@pytest.mark.parametrize("mistake", NOT_VALID)
def test_what_is_not_valid_is_named(newest: Offline, changed: Path, mistake: str) -> None:
    file, before, after, said = NOT_VALID[mistake]
    replace(changed / file, before, after)

    complaints = newest.complaints(changed, str(Path(file).parent))

    assert said in "\n".join(complaints)


@pytest.mark.terraform
@pytest.mark.parametrize("mistake", BREACHES)
def test_a_plan_that_breaks_a_rule_is_named(
    newest: Offline, changed: Path, tmp_path: Path, mistake: str
) -> None:
    file, before, after, said = BREACHES[mistake]
    replace(changed / file, before, after)

    plan, trouble = newest.plan(changed, "dev", written(tmp_path, variables_of("dev")))

    assert trouble == ""
    assert said in "\n".join(findings(Plan(plan, "dev", read_table()), types=TYPES))


@pytest.mark.terraform
def test_a_type_that_nobody_looked_at_is_refused(newest: Offline, changed: Path) -> None:
    replace(changed / "modules/account/main.tf", "\nresource", f"{KEY}\nresource")

    complaints = newest.complaints(changed, "modules/account")

    assert "google_service_account_key" in "\n".join(complaints)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  probe: /livez\n", ""),
        ("memory_mib: 512", "memory: 512"),
        ("kind: event", "kind: topic"),
        ("  trigger: { bucket: uploads }\n", ""),
        ("  retries: 3\n", "  concurrency: 3\n"),
    ],
    ids=["probe", "misspelt", "kind", "trigger", "retries"],
)
def test_a_row_that_is_no_row_is_refused(tmp_path: Path, before: str, after: str) -> None:
    table = tmp_path / "deployables.yaml"
    table.write_text(TABLE.read_text())
    replace(table, before, after)

    with pytest.raises(ValidationError):
        read_table(table)


def test_the_table_has_no_row_twice() -> None:
    names = [line for line in TABLE.read_text().splitlines() if line[:1].isalpha()]

    assert len(names) == len(yaml.safe_load(TABLE.read_text()))


def replace(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
