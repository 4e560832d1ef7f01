"""Rules that a plan has to keep, which neither Terraform nor an analyser knows.

They read `terraform show -json PLAN`, and say each breach as a sentence with the address in it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlsys.settings import PREFIX, Settings
from tests.infra.table import ROOT, Deployable

EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
BASIC = {"roles/owner", "roles/editor", "roles/viewer"}
ASKS_AS_ITSELF = "roles/iam.serviceAccountOpenIdTokenCreator"
NEVER_AT_THE_PROJECT = {
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/run.developer",
    "roles/storage.admin",
    ASKS_AS_ITSELF,
}
SMOKE_TEST = ROOT / ".ci" / "smoke.py"
AUTHORITATIVE = ("_iam_binding", "_iam_policy")
PROTECTED = {"staging", "prod"}
SERVICE, JOB = "google_cloud_run_v2_service", "google_cloud_run_v2_job"
SUBSCRIPTION, BUCKET = "google_pubsub_subscription", "google_storage_bucket"
INTERNAL = "INGRESS_TRAFFIC_INTERNAL_ONLY"
BEHIND_THE_FRONT = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"


@dataclass(frozen=True)
class Resource:
    """One planned resource."""

    address: str
    type: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What would stand after an apply."""

    content: Mapping[str, Any]
    environment: str
    table: Mapping[str, Deployable]

    @cached_property
    def resources(self) -> list[Resource]:
        """All that Terraform manages."""
        return [*_resources(self.content["planned_values"]["root_module"])]

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of some types."""
        return [one for one in self.resources if one.type in types]

    def named(self, kind: str) -> str:
        """Name a thing of this environment."""
        return f"mlsys-{kind}-{self.environment}"


def findings(plan: Plan, *, types: set[str]) -> list[str]:
    """Return every breach."""
    rules = (
        *(_access, _deployables, _accounts, _smoke_test, _variables),
        *(_paths_of_events, _agents, _buckets, _protection),
    )
    found = [sentence for rule in rules for sentence in rule(plan)]
    strange = {one.type for one in plan.resources} - types
    return [*found, *(f"{one}: a type that nobody has looked at yet" for one in sorted(strange))]


def _access(plan: Plan) -> Iterator[str]:
    for one in plan.resources:
        if "_iam_" not in one.type:
            continue
        role = str(one.values.get("role", ""))
        if EVERYBODY & {one.values.get("member"), *(one.values.get("members") or ())}:
            yield f"{one.address}: everybody gets {role}"
        if role in BASIC:
            yield f"{one.address}: {role} is a basic role"
        if one.type.startswith("google_project_iam") and role in NEVER_AT_THE_PROJECT:
            yield f"{one.address}: {role} on the whole project"
        if role.startswith("roles/datastore.") and not one.values.get("condition"):
            yield f"{one.address}: {role} on every database"
        if one.type.endswith(AUTHORITATIVE):
            yield f"{one.address}: takes away what others gave"
    for one in plan.of("google_service_account_key"):
        yield f"{one.address}: a key that can be lost"


def _deployables(plan: Plan) -> Iterator[str]:
    wanted = {plan.named(name): row.kind for name, row in plan.table.items()}
    planned = {one.values["name"]: one for one in plan.of(SERVICE, JOB)}
    for name in sorted(wanted.keys() ^ planned.keys()):
        yield f"{name}: deployed and in the table are two things"
    for name, one in planned.items():
        yield from _what_it_runs(one)
        if one.type == SERVICE:
            if one.values.get("invoker_iam_disabled"):
                yield f"{one.address}: answers everybody"
            allowed = {INTERNAL} if wanted.get(name) == "event" else {BEHIND_THE_FRONT}
            if one.values["ingress"] not in allowed:
                yield f"{one.address}: reached from {one.values['ingress']}"


def _what_it_runs(one: Resource) -> Iterator[str]:
    container = _container(one)
    if "@sha256:" not in container["image"]:
        yield f"{one.address}: its image may change under its tag"
    if one.type == JOB and container["args"]:
        yield f"{one.address}: whoever starts it replaces {container['args']}"
    words = [*container["command"], *(container["args"] or ())]
    for path in re.findall(r"\b(?:functions|jobs)/\S+", " ".join(words)):
        if not (ROOT / path).exists():
            yield f"{one.address}: there is no {path}"


def _accounts(plan: Plan) -> Iterator[str]:
    uses = Counter(_account(one) for one in plan.of(SERVICE, JOB))
    for one in plan.of(SERVICE, JOB):
        account = _account(one)
        if not account.startswith(f"{one.values['name']}@") or uses[account] > 1:
            yield f"{one.address}: runs as {account or 'the default account'}, not as its own"
    for name, row in plan.table.items():
        wanted = {(role, resource) for resource, roles in row.roles.items() for role in roles}
        for role, resource in sorted(wanted ^ _given(plan, plan.named(name))):
            has = "lacks" if (role, resource) in wanted else "has"
            yield f"{plan.named(name)}: {has} {role} on {resource}"


def _given(plan: Plan, account: str) -> set[tuple[str, str]]:
    """Return the roles of an account, each with its resource as the table writes it."""
    member = f"serviceAccount:{account}@"
    return {
        (str(one.values.get("role", "")), _resource(one, plan))
        for one in plan.resources
        if "_iam_" in one.type and str(one.values.get("member", "")).startswith(member)
    }


def _resource(one: Resource, plan: Plan) -> str:
    values = one.values
    conditions = values.get("condition") or [{}]
    if one.type == "google_project_iam_member":
        database = f'/databases/mlsys-{plan.environment}"'
        return "database" if database in conditions[0].get("expression", "") else "project"
    kind, name = {
        "google_storage_bucket_iam_member": ("bucket", "bucket"),
        "google_pubsub_topic_iam_member": ("topic", "topic"),
        "google_cloud_run_v2_job_iam_member": ("job", "name"),
    }.get(one.type, (one.type, "name"))
    short = str(values.get(name)).removesuffix(f"-{plan.environment}").rpartition("mlsys-")[2]
    short = "sources" if short == "demo-lake" else short
    folder = conditions[0].get("title", "").removeprefix("only-")
    return "/".join(filter(None, [kind, short, folder]))


def _smoke_test(plan: Plan) -> Iterator[str]:
    """What the deployer needs to ask whether what it rolled out works."""
    given = _given(plan, plan.named("deploy"))
    if ASKS_AS_ITSELF not in {role for role, _ in given}:
        yield "the deployer gets no token that says who asks"
    for path in sorted(set(re.findall(r'"(/[\w/]+)"', SMOKE_TEST.read_text()))):
        [name] = [name for name, row in plan.table.items() if path in row.paths]
        if ("roles/run.invoker", f"{SERVICE}_iam_member/{name}") not in given:
            yield f"{plan.named(name)}: the deployer may not ask for {path}"


def _variables(plan: Plan) -> Iterator[str]:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    for one in plan.of(SERVICE, JOB):
        names = {variable["name"] for variable in _container(one)["env"]}
        for name in sorted(names):
            if name.startswith(PREFIX) and name not in settings:
                yield f"{one.address}: {name} is no setting"
        for name in ("BACKEND", "PROJECT", "FIRESTORE_DATABASE", "ARTIFACTS_BUCKET"):
            if PREFIX + name not in names:
                yield f"{one.address}: {PREFIX}{name} is not set"


def _paths_of_events(plan: Plan) -> Iterator[str]:
    kept = {one.values["topic"] for one in plan.of(SUBSCRIPTION) if not one.values["push_config"]}
    pushed = [one for one in plan.of(SUBSCRIPTION) if one.values["push_config"]]
    events = [name for name, row in plan.table.items() if row.kind == "event"]
    if {one.values["name"] for one in pushed} != {plan.named(f"push-{name}") for name in events}:
        yield "not every event of the table has one subscription that pushes it"
    for one in pushed:
        dead_letters = [
            policy["dead_letter_topic"].rpartition("/")[2]
            for policy in one.values["dead_letter_policy"]
        ]
        if not dead_letters:
            yield f"{one.address}: an event that is given up is lost, there is no dead letter"
        elif dead_letters[0] not in kept:
            yield f"{one.address}: nothing keeps its dead letters"
        if not one.values["retry_policy"] or not one.values["ack_deadline_seconds"]:
            yield f"{one.address}: no pause between deliveries, or no deadline"
        if not one.values["push_config"][0]["oidc_token"]:
            yield f"{one.address}: pushes without a token"
    for one in plan.of(SUBSCRIPTION):
        if [policy["ttl"] for policy in one.values["expiration_policy"]] != [""]:
            yield f"{one.address}: goes away when it is idle for a month"


def _agents(plan: Plan) -> Iterator[str]:
    """What Google's own accounts have to be given, or events are lost in silence."""
    number = plan.content["variables"]["project_number"]["value"]
    pubsub = f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    storage = f"serviceAccount:service-{number}@gs-project-accounts.iam.gserviceaccount.com"
    wanted = {(storage, "roles/pubsub.publisher", plan.named("uploads"))}
    for one in plan.of(SUBSCRIPTION):
        for policy in one.values["dead_letter_policy"]:
            topic = policy["dead_letter_topic"].rpartition("/")[2]
            wanted.add((pubsub, "roles/pubsub.publisher", topic))
            wanted.add((pubsub, "roles/pubsub.subscriber", one.values["name"]))
    given = {
        (member, one.values["role"], one.values.get("topic") or one.values["subscription"])
        for one in plan.of(f"{SUBSCRIPTION}_iam_member", "google_pubsub_topic_iam_member")
        if (member := one.values["member"]) in {pubsub, storage}
    }
    for member, role, name in sorted(wanted ^ given):
        has = "lacks" if (member, role, name) in wanted else "has"
        yield f"{member.partition('@')[2]}: {has} {role} on {name}"


def _buckets(plan: Plan) -> Iterator[str]:
    for one in plan.of(BUCKET):
        if one.values["public_access_prevention"] != "enforced":
            yield f"{one.address}: could be made public"
        if not one.values["uniform_bucket_level_access"]:
            yield f"{one.address}: objects have access lists of their own"
        versioned = [setting["enabled"] for setting in one.values["versioning"]] == [True]
        if "artifacts" in one.values["name"] and not versioned:
            yield f"{one.address}: a model that is deleted is gone"


def _protection(plan: Plan) -> Iterator[str]:
    if plan.environment not in PROTECTED:
        return
    for one in plan.of(SERVICE, JOB):
        if not one.values["deletion_protection"]:
            yield f"{one.address}: can be deleted"
    for one in plan.of(BUCKET):
        if one.values["force_destroy"]:
            yield f"{one.address}: is deleted with what is in it"
    for one in plan.of("google_firestore_database"):
        if one.values["delete_protection_state"] != "DELETE_PROTECTION_ENABLED":
            yield f"{one.address}: can be deleted"


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for one in module.get("resources", ()):
        yield Resource(one["address"], one["type"], one["values"])
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _template(one: Resource) -> Any:
    template = one.values["template"][0]
    return template if one.type == SERVICE else template["template"][0]


def _container(one: Resource) -> Any:
    return _template(one)["containers"][0]


def _account(one: Resource) -> str:
    return str(_template(one).get("service_account") or "")
