mock_provider "google" {}

variables {
  project_id     = "demo-dev"
  region         = "europe-west1"
  project_number = "123456789012"
  name           = "mlsys-push-split-dev"
  topic          = "mlsys-uploads-dev"
  dead_letters   = "mlsys-uploads-dev-dead-letters"
  service_name   = "mlsys-split-dev"
  service_uri    = "https://split.example.com"
}

run "an_event_is_tried_again_and_never_lost" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.this.dead_letter_policy[0].dead_letter_topic == "projects/demo-dev/topics/mlsys-uploads-dev-dead-letters"
    error_message = "What is given up becomes a dead letter."
  }

  assert {
    condition     = google_pubsub_subscription.this.ack_deadline_seconds == 600
    error_message = "A split takes minutes."
  }

  assert {
    condition     = google_pubsub_subscription.this.retry_policy[0].minimum_backoff == "10s"
    error_message = "Another delivery waits a little."
  }

  assert {
    condition     = google_pubsub_subscription.this.push_config[0].oidc_token[0].audience == "https://split.example.com"
    error_message = "A push says who it is."
  }

  assert {
    condition     = google_pubsub_topic_iam_member.agent.role == "roles/pubsub.publisher" && google_pubsub_subscription_iam_member.agent.role == "roles/pubsub.subscriber"
    error_message = "Pub/Sub itself moves dead letters."
  }
}

run "a_deployer_may_set_it_up" {
  command = plan

  variables {
    deployers = { pipeline = "serviceAccount:deploy@demo-dev.iam.gserviceaccount.com" }
  }

  assert {
    condition     = length(google_service_account_iam_member.deployer) == 1
    error_message = "Who sets up a push acts as its account."
  }
}

run "an_id_is_no_number" {
  command = plan

  variables {
    project_number = "demo-dev"
  }

  expect_failures = [var.project_number]
}

run "a_name_that_is_too_long_is_refused" {
  command = plan

  variables {
    name = "mlsys-push-a-name-of-thirty-more"
  }

  expect_failures = [var.name]
}

run "dead_letters_to_the_same_topic_are_refused" {
  command = plan

  variables {
    dead_letters = "mlsys-uploads-dev"
  }

  expect_failures = [var.dead_letters]
}

run "more_than_ten_minutes_are_refused" {
  command = plan

  variables {
    ack_deadline_seconds = 601
  }

  expect_failures = [var.ack_deadline_seconds]
}

run "four_deliveries_are_refused" {
  command = plan

  variables {
    max_delivery_attempts = 4
  }

  expect_failures = [var.max_delivery_attempts]
}

run "no_pause_is_refused" {
  command = plan

  variables {
    minimum_backoff_seconds = 0
  }

  expect_failures = [var.minimum_backoff_seconds]
}

run "a_shorter_longest_pause_is_refused" {
  command = plan

  variables {
    maximum_backoff_seconds = 5
  }

  expect_failures = [var.maximum_backoff_seconds]
}
