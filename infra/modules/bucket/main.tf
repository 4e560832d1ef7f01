# One bucket: nobody's objects are public, what is old goes, and arrivals are told to topics.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62:data access audit logs (docs/cloud.md) tell who read; access logs are a bucket more to guard
  #checkov:skip=CKV_GCP_78:what is dropped there is never rewritten by us, and soft delete keeps it; the bucket of models has versions
  project                     = var.project_id
  name                        = var.name
  location                    = upper(var.region)
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  versioning {
    enabled = var.versioning
  }

  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire_days

    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = [lifecycle_rule.key]
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.noncurrent_days

    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
        matches_prefix             = compact([lifecycle_rule.key])
      }
    }
  }
}

resource "google_storage_notification" "this" {
  for_each = var.topics

  bucket         = google_storage_bucket.this.name
  topic          = "//pubsub.googleapis.com/projects/${var.project_id}/topics/${each.value}"
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
}
