# One topic, and the dead letters of its subscription: a topic, and a subscription that keeps them.

resource "google_pubsub_topic" "this" {
  #checkov:skip=CKV_GCP_83:Google's keys encrypt messages, which hold names and settings and no rows
  for_each = {
    (var.name)                 = var.retention_days
    "${var.name}-dead-letters" = 31
  }

  project                    = var.project_id
  name                       = each.key
  message_retention_duration = "${each.value * 86400}s"
  labels                     = var.labels

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project_id
  name                       = google_pubsub_topic.this["${var.name}-dead-letters"].name
  topic                      = google_pubsub_topic.this["${var.name}-dead-letters"].name
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  retain_acked_messages      = false
  labels                     = var.labels

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  project = var.project_id
  topic   = google_pubsub_topic.this[var.name].name
  role    = "roles/pubsub.publisher"
  member  = each.value
}
