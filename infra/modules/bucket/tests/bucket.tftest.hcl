mock_provider "google" {}

variables {
  project_id      = "demo-dev"
  region          = "europe-west1"
  name            = "demo-dev-mlsys-artifacts-dev"
  versioning      = true
  expire_days     = { "quarantine/" = 30 }
  noncurrent_days = { "models/" = 90, "splits/" = 7 }
  topics          = { split = "mlsys-uploads-dev" }
}

run "nothing_in_it_is_public" {
  command = plan

  assert {
    condition     = google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.uniform_bucket_level_access
    error_message = "No object is public, and none has an access list of its own."
  }

  assert {
    condition     = !google_storage_bucket.this.force_destroy && google_storage_bucket.this.versioning[0].enabled
    error_message = "What is deleted can be brought back."
  }

  assert {
    condition     = length(google_storage_bucket.this.lifecycle_rule) == 4
    error_message = "Uploads that broke off go, quarantine goes, and old versions of two folders go."
  }

  assert {
    condition     = google_storage_notification.this["split"].topic == "//pubsub.googleapis.com/projects/demo-dev/topics/mlsys-uploads-dev" && google_storage_notification.this["split"].event_types == toset(["OBJECT_FINALIZE"])
    error_message = "Arrivals are told, and nothing else."
  }
}

run "a_name_in_capitals_is_refused" {
  command = plan

  variables {
    name = "Demo"
  }

  expect_failures = [var.name]
}

run "three_days_are_refused" {
  command = plan

  variables {
    soft_delete_days = 3
  }

  expect_failures = [var.soft_delete_days]
}

run "a_prefix_that_is_no_folder_is_refused" {
  command = plan

  variables {
    expire_days = { "models" = 30 }
  }

  expect_failures = [var.expire_days]
}

run "no_day_is_refused" {
  command = plan

  variables {
    noncurrent_days = { "models/" = 0 }
  }

  expect_failures = [var.noncurrent_days]
}
