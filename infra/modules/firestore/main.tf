# One Firestore database: protected, restorable to any minute of a week, with the indexes that the
# code's queries need.

resource "google_firestore_database" "this" {
  project                           = var.project_id
  name                              = var.name
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"
}

# Equality on one field, and then an order. Firestore joins several of them for several equalities.
resource "google_firestore_index" "this" {
  for_each = {
    for index in var.indexes : "${index.collection} ${index.equal} ${index.order_by} ${index.direction}" => index
  }

  project     = var.project_id
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = "COLLECTION"

  fields {
    field_path = "fields.${each.value.equal}"
    order      = "ASCENDING"
  }

  fields {
    field_path = "fields.${each.value.order_by}"
    order      = each.value.direction
  }

  fields {
    field_path = "__name__"
    order      = each.value.direction
  }
}

# A body's text and a commit's token are in no query: without their indexes a write is cheaper.
resource "google_firestore_field" "unindexed" {
  for_each = {
    for pair in setproduct(var.collections, ["json", "token"]) : "${pair[0]} ${pair[1]}" => pair
  }

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.value[0]
  field      = each.value[1]

  index_config {}
}

resource "google_firestore_field" "expiring" {
  for_each = var.ttl

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.key
  field      = each.value

  ttl_config {}
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project_id
  database  = google_firestore_database.this.name
  retention = "${var.backup_days * 86400}s"

  daily_recurrence {}
}
