mock_provider "google" {}

variables {
  project_id  = "demo-dev"
  region      = "europe-west1"
  name        = "mlsys-dev"
  collections = ["splits"]
  indexes     = [{ collection = "splits", equal = "status", order_by = "created_at", direction = "DESCENDING" }]
}

run "records_can_be_brought_back" {
  command = plan

  assert {
    condition     = google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
    error_message = "Any minute of the last week can be read."
  }

  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.this.deletion_policy == "ABANDON"
    error_message = "Nobody deletes records by mistake."
  }

  assert {
    condition     = google_firestore_backup_schedule.daily.retention == "604800s"
    error_message = "There is a backup of each day of a week."
  }
}

run "an_index_is_of_what_a_document_holds" {
  command = plan

  assert {
    condition     = [for field in google_firestore_index.this["splits status created_at DESCENDING"].fields : "${field.field_path} ${field.order}"] == ["fields.status ASCENDING", "fields.created_at DESCENDING", "__name__ DESCENDING"]
    error_message = "Queries name what lies below fields, and are ordered by id at last."
  }

  assert {
    condition     = toset([for field in google_firestore_field.unindexed : field.field]) == toset(["json", "token"])
    error_message = "What no query names has no index."
  }
}

run "documents_may_expire" {
  command = plan

  variables {
    ttl = { splits = "expires_at" }
  }

  assert {
    condition     = google_firestore_field.expiring["splits"].field == "expires_at"
    error_message = "A time makes documents expire."
  }
}

run "a_database_that_can_be_destroyed" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = google_firestore_database.this.deletion_policy == "DELETE"
    error_message = "Unprotected, it is deleted and not left behind."
  }
}

run "a_name_that_is_too_short_is_refused" {
  command = plan

  variables {
    name = "abc"
  }

  expect_failures = [var.name]
}

run "a_direction_that_there_is_not_is_refused" {
  command = plan

  variables {
    indexes = [{ collection = "splits", equal = "status", order_by = "created_at", direction = "DOWN" }]
  }

  expect_failures = [var.indexes]
}

run "more_than_fourteen_weeks_are_refused" {
  command = plan

  variables {
    backup_days = 99
  }

  expect_failures = [var.backup_days]
}
