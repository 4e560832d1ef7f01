# How GitHub's workflow of one repository deploys here: by federation, without a key. It rolls out
# new images; it cannot change who may do what. That takes a person with more leave than it has.

resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project_id
  workload_identity_pool_id = var.name
  display_name              = var.name
  description               = "GitHub's workflows of one repository"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:it wants names in the subject; ids are compared here, which nobody can take over
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  attribute_mapping = {
    "google.subject"                = "assertion.sub"
    "attribute.repository_id"       = "assertion.repository_id"
    "attribute.repository_owner_id" = "assertion.repository_owner_id"
    "attribute.environment"         = "assertion.environment"
  }

  # Names can be taken over by others once they are given up; ids cannot.
  attribute_condition = join(" && ", [
    "assertion.repository_id == \"${var.repository_id}\"",
    "assertion.repository_owner_id == \"${var.repository_owner_id}\"",
    "assertion.environment == \"${var.environment}\"",
    "assertion.ref == \"refs/heads/main\"",
  ])

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.name
  description  = "Deploys, as GitHub's workflow"
}

resource "google_service_account_iam_member" "workflow" {
  service_account_id = google_service_account.this.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${google_iam_workload_identity_pool.this.workload_identity_pool_id}/attribute.repository_id/${var.repository_id}"
}

# A plan looks at everything. The custom role is what would otherwise take leave to read records.
resource "google_project_iam_custom_role" "planner" {
  project     = var.project_id
  role_id     = replace("${var.name}-planner", "-", "_")
  title       = "${var.name} planner"
  description = "Looks at databases, indexes and backups, and at no record"
  permissions = [
    "datastore.backupSchedules.get",
    "datastore.backupSchedules.list",
    "datastore.databases.get",
    "datastore.databases.getMetadata",
    "datastore.databases.list",
    "datastore.indexes.get",
    "datastore.indexes.list",
    "storage.buckets.get",
    "storage.buckets.list",
  ]
}

resource "google_project_iam_member" "reads" {
  for_each = merge(
    { planner = google_project_iam_custom_role.planner.name },
    { for role in var.reads : role => role },
  )

  project = var.project_id
  role    = each.value
  member  = google_service_account.this.member
}

# The provider's calls are counted as the project's, which takes leave to use it.
resource "google_project_iam_member" "quota" {
  project = var.project_id
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.this.member
}

# Cloud Build, where it builds as this account, writes its log by it.
resource "google_project_iam_member" "logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.this.member
}

# There it also asks what was rolled out whether it works, with a token that says who asks.
resource "google_service_account_iam_member" "tokens" {
  service_account_id = google_service_account.this.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.this.member
}

resource "google_storage_bucket_iam_member" "state" {
  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.this.member

  condition {
    title      = "only-${var.environment}"
    expression = "resource.type != \"storage.googleapis.com/Object\" || resource.name.startsWith(\"projects/_/buckets/${var.state_bucket}/objects/mlsys/${var.environment}/\")"
  }
}
