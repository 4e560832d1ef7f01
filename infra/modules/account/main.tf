# One service account: what it may do, each role on one resource, and who may deploy as it.

locals {
  grants = {
    for grant in flatten([
      for resource, roles in var.roles : [
        for pair in setproduct(roles, lookup(var.resources, resource, [])) : {
          key    = "${resource} ${pair[1]} ${pair[0]}"
          kind   = split("/", resource)[0]
          folder = join("/", slice(split("/", resource), min(2, length(split("/", resource))), length(split("/", resource))))
          role   = pair[0]
          on     = pair[1]
        }
      ]
    ]) : grant.key => grant
  }
}

resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.name
  description  = var.description
}

# Firestore's roles are the project's; the condition makes them one database's.
resource "google_project_iam_member" "database" {
  for_each = { for key, grant in local.grants : key => grant if grant.kind == "database" }

  project = var.project_id
  role    = each.value.role
  member  = google_service_account.this.member

  condition {
    title      = "only-${each.value.on}"
    expression = "resource.name == \"projects/${var.project_id}/databases/${each.value.on}\""
  }
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = { for key, grant in local.grants : key => grant if grant.kind == "bucket" }

  bucket = each.value.on
  role   = each.value.role
  member = google_service_account.this.member

  # Without leave to list the bucket, Cloud Storage answers 403 where there is no such object.
  dynamic "condition" {
    for_each = toset(compact([each.value.folder]))

    content {
      title      = "only-${condition.value}"
      expression = "resource.type != \"storage.googleapis.com/Object\" || resource.name.startsWith(\"projects/_/buckets/${each.value.on}/objects/${condition.value}/\")"
    }
  }
}

resource "google_pubsub_topic_iam_member" "this" {
  for_each = { for key, grant in local.grants : key => grant if grant.kind == "topic" }

  project = var.project_id
  topic   = each.value.on
  role    = each.value.role
  member  = google_service_account.this.member
}

resource "google_cloud_run_v2_job_iam_member" "this" {
  for_each = { for key, grant in local.grants : key => grant if grant.kind == "job" }

  project  = var.project_id
  location = var.region
  name     = each.value.on
  role     = each.value.role
  member   = google_service_account.this.member
}

resource "google_service_account_iam_member" "deployer" {
  for_each = var.deployers

  service_account_id = google_service_account.this.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}
