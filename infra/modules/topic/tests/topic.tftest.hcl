mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-uploads-dev"
  publishers = { storage = "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com" }
}

run "what_is_given_up_is_kept" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.dead_letters.topic == "mlsys-uploads-dev-dead-letters"
    error_message = "Dead letters have a subscription, or they are lost."
  }

  assert {
    condition     = google_pubsub_subscription.dead_letters.expiration_policy[0].ttl == ""
    error_message = "It stays though nobody reads it."
  }

  assert {
    condition     = alltrue([for topic in google_pubsub_topic.this : topic.message_storage_policy[0].allowed_persistence_regions == toset(["europe-west1"])])
    error_message = "Messages stay in the region."
  }
}

run "a_name_of_googles_is_refused" {
  command = plan

  variables {
    name = "google-uploads"
  }

  expect_failures = [var.name]
}

run "everybody_is_refused" {
  command = plan

  variables {
    publishers = { all = "allUsers" }
  }

  expect_failures = [var.publishers]
}

run "more_than_a_month_is_refused" {
  command = plan

  variables {
    retention_days = 32
  }

  expect_failures = [var.retention_days]
}
