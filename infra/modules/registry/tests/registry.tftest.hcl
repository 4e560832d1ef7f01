mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-dev"
  deployers  = { pipeline = "serviceAccount:deploy@demo-dev.iam.gserviceaccount.com" }
}

run "images_stay_what_they_are" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.this.docker_config[0].immutable_tags
    error_message = "A tag never moves."
  }

  assert {
    condition     = !google_artifact_registry_repository.this.cleanup_policy_dry_run && length(google_artifact_registry_repository.this.cleanup_policies) == 2
    error_message = "What is old is deleted, but for the latest."
  }

  assert {
    condition     = google_artifact_registry_repository_iam_member.writer["pipeline"].role == "roles/artifactregistry.writer"
    error_message = "Who deploys pushes images."
  }

  assert {
    condition     = output.address == "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev"
    error_message = "Images are found below this address."
  }
}

run "one_version_is_refused" {
  command = plan

  variables {
    keep_count = 1
  }

  expect_failures = [var.keep_count]
}

run "no_day_is_refused" {
  command = plan

  variables {
    delete_after_days = 0
  }

  expect_failures = [var.delete_after_days]
}

run "everybody_is_refused" {
  command = plan

  variables {
    readers = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.readers]
}
