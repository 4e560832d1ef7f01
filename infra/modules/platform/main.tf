# One environment: all that infra/deployables.yaml names, and what it stands on.

locals {
  table   = yamldecode(file("${path.module}/../../deployables.yaml"))
  queries = yamldecode(file("${path.module}/../../indexes.yaml"))

  services = { for name, row in local.table : name => row if row.kind != "job" }
  called   = { for name, row in local.table : name => row if row.kind == "http" }
  events   = { for name, row in local.table : name => row if row.kind == "event" }
  jobs     = { for name, row in local.table : name => row if row.kind == "job" }

  names  = { for name in keys(local.table) : name => "mlsys-${name}-${var.environment}" }
  labels = { app = "mlsys", environment = var.environment }

  buckets = {
    uploads = {
      versioning      = false
      expire_days     = {}
      noncurrent_days = {}
      topics          = { split = module.topic["uploads"].name }
    }
    artifacts = {
      versioning      = true
      expire_days     = { "quarantine/" = var.quarantine_days, "inline/" = var.scratch_days, "experiments/" = var.experiments_days }
      noncurrent_days = { "models/" = var.models_noncurrent_days, "quarantine/" = 7, "inline/" = 7, "experiments/" = 7, "splits/" = 7 }
      topics          = {}
    }
  }
  publishers = {
    uploads     = { storage = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com" }
    experiments = {}
  }

  artifacts = [module.bucket["artifacts"].name]
  resources = {
    "database"                     = [module.firestore.name]
    "bucket/uploads"               = [module.bucket["uploads"].name]
    "bucket/sources"               = var.source_buckets
    "bucket/artifacts"             = local.artifacts
    "bucket/artifacts/splits"      = local.artifacts
    "bucket/artifacts/models"      = local.artifacts
    "bucket/artifacts/experiments" = local.artifacts
    "topic/experiments"            = [module.topic["experiments"].name]
  }

  environment = {
    MLSYS_BACKEND            = "gcp"
    MLSYS_PROJECT            = var.project_id
    MLSYS_REGION             = var.region
    MLSYS_FIRESTORE_DATABASE = module.firestore.name
    MLSYS_UPLOADS_BUCKET     = module.bucket["uploads"].name
    MLSYS_SOURCE_BUCKETS     = join(",", var.source_buckets)
    MLSYS_ARTIFACTS_BUCKET   = module.bucket["artifacts"].name
    MLSYS_EXPERIMENTS_TOPIC  = module.topic["experiments"].name
    MLSYS_STUDY_JOB          = local.names["study"]
    MLSYS_INGEST_JOB         = local.names["ingest"]
  }

  commands = {
    for name, row in local.services : name => lookup(row, "alone", false) ? ["python", "functions/${name}"] : [
      "functions-framework", "--target=${name}", "--source=functions/${name}/main.py",
      "--signature-type=${row.kind == "event" ? "cloudevent" : "http"}",
    ]
  }
  deployers = { for key, delivery in module.delivery : key => delivery.member }
}

resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

# Who changed and removed what; who read what would be a line for each prediction's model.
resource "google_project_iam_audit_config" "this" {
  for_each = var.audited

  project = var.project_id
  service = each.value

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

module "delivery" {
  source   = "../delivery"
  for_each = var.repository_id == "" ? {} : { deployer = var.repository_id }

  project_id          = var.project_id
  project_number      = var.project_number
  name                = "mlsys-deploy-${var.environment}"
  environment         = var.environment
  repository_id       = each.value
  repository_owner_id = var.repository_owner_id
  state_bucket        = var.state_bucket

  depends_on = [google_project_service.this]
}

module "registry" {
  source = "../registry"

  project_id = var.project_id
  region     = var.region
  name       = "mlsys-${var.environment}"
  readers    = var.registry_readers
  deployers  = local.deployers
  labels     = local.labels

  depends_on = [google_project_service.this]
}

module "firestore" {
  source = "../firestore"

  project_id          = var.project_id
  region              = var.region
  name                = coalesce(var.database, "mlsys-${var.environment}")
  backup_days         = var.backup_days
  deletion_protection = var.deletion_protection
  collections         = keys(local.queries)
  indexes = flatten([
    for collection, query in local.queries : [
      for field in query.equal : { collection = collection, equal = field, order_by = query.order_by, direction = "DESCENDING" }
    ]
  ])

  depends_on = [google_project_service.this]
}

module "topic" {
  source   = "../topic"
  for_each = local.publishers

  project_id = var.project_id
  region     = var.region
  name       = "mlsys-${each.key}-${var.environment}"
  publishers = each.value
  labels     = local.labels

  depends_on = [google_project_service.this]
}

module "bucket" {
  source   = "../bucket"
  for_each = local.buckets

  project_id       = var.project_id
  region           = var.region
  name             = "${var.project_id}-mlsys-${each.key}-${var.environment}"
  versioning       = each.value.versioning
  soft_delete_days = var.soft_delete_days
  expire_days      = each.value.expire_days
  noncurrent_days  = each.value.noncurrent_days
  topics           = each.value.topics
  force_destroy    = !var.deletion_protection
  labels           = local.labels

  depends_on = [google_project_service.this]
}

module "job" {
  source   = "../job"
  for_each = local.jobs

  project_id          = var.project_id
  region              = var.region
  name                = local.names[each.key]
  image               = var.images[each.value.image]
  command             = ["python", "jobs/${each.key}"]
  memory_mib          = each.value.memory_mib
  cpu                 = each.value.cpu
  timeout_seconds     = each.value.timeout_seconds
  retries             = each.value.retries
  environment         = merge(local.environment, each.value.environment)
  roles               = each.value.roles
  resources           = local.resources
  deployers           = local.deployers
  deletion_protection = var.deletion_protection
  labels              = merge(local.labels, { deployable = each.key })

  depends_on = [google_project_service.this]
}

module "service" {
  source   = "../service"
  for_each = local.services

  project_id      = var.project_id
  region          = var.region
  name            = local.names[each.key]
  image           = var.images[each.value.image]
  command         = local.commands[each.key]
  memory_mib      = each.value.memory_mib
  cpu             = each.value.cpu
  concurrency     = each.value.concurrency
  timeout_seconds = each.value.timeout_seconds
  min_instances   = max(each.value.min_instances, lookup(var.min_instances, each.key, 0))
  max_instances   = each.value.max_instances
  probe           = lookup(each.value, "probe", "")
  environment     = merge(local.environment, { THREADS = tostring(each.value.concurrency), WORKERS = "1" }, each.value.environment)
  roles           = each.value.roles
  resources       = merge(local.resources, { for name, job in module.job : "job/${name}" => [job.name] })
  invokers        = setunion([], [for group in lookup(each.value, "invokers", []) : lookup(var.invokers, group, [])]...)
  audiences       = var.host == "" || each.value.kind == "event" ? [] : ["https://${var.host}"]
  ingress = (
    each.value.kind == "event" ? "INGRESS_TRAFFIC_INTERNAL_ONLY"
    : var.host == "" ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  )
  deployers           = local.deployers
  deletion_protection = var.deletion_protection
  labels              = merge(local.labels, { deployable = each.key })

  depends_on = [google_project_service.this]
}

# What was rolled out is asked at once whether it works; behind a host, health answers for predict.
resource "google_cloud_run_v2_service_iam_member" "smoke" {
  for_each = toset(var.repository_id == "" ? [] : ["health", "predict"])

  project  = var.project_id
  location = var.region
  name     = module.service[each.key].name
  role     = "roles/run.invoker"
  member   = local.deployers["deployer"]
}

module "event_trigger" {
  source   = "../event_trigger"
  for_each = local.events

  project_id     = var.project_id
  project_number = var.project_number
  region         = var.region
  name           = "mlsys-push-${each.key}-${var.environment}"
  topic          = module.topic[one(values(each.value.trigger))].name
  dead_letters   = module.topic[one(values(each.value.trigger))].dead_letters
  service_name   = module.service[each.key].name
  service_uri    = module.service[each.key].uri
  deployers      = local.deployers
  labels         = merge(local.labels, { deployable = each.key })
}

module "front" {
  source   = "../front"
  for_each = toset(var.host == "" ? [] : ["front"])

  project_id = var.project_id
  region     = var.region
  name       = "mlsys-${var.environment}"
  host       = var.host
  services   = { for name in keys(local.called) : name => module.service[name].name }
  routes     = flatten([for name, row in local.called : [for path in row.paths : { path = path, service = name }]])
  default    = "health"
  labels     = local.labels

  depends_on = [google_project_service.this]
}

module "monitoring" {
  source = "../monitoring"

  project_id             = var.project_id
  project_number         = var.project_number
  name                   = "mlsys ${var.environment}"
  services               = [for name in keys(local.services) : module.service[name].name]
  predict                = module.service["predict"].name
  jobs                   = [for job in module.job : job.name]
  subscriptions          = [for trigger in module.event_trigger : trigger.subscription]
  dead_letters           = [for topic in module.topic : topic.dead_letters]
  emails                 = var.emails
  oldest_unacked_seconds = var.oldest_unacked_seconds
  error_share            = var.error_share
  p95_milliseconds       = var.p95_milliseconds
  billing_account        = var.billing_account
  budget                 = var.budget
  labels                 = local.labels

  depends_on = [google_project_service.this]
}
