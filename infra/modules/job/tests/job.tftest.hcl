mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-study-dev"
  image      = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/serve@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  command    = ["python", "jobs/study"]
  cpu        = 4
  memory_mib = 8192
  retries    = 6
}

run "a_task_has_what_the_table_says" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "4", memory = "8192Mi" })
    error_message = "A task has its processors and its memory."
  }

  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].max_retries == 6
    error_message = "A task that failed is started again."
  }
}

run "a_deployer_rolls_out" {
  command = plan

  variables {
    deployers = { pipeline = "serviceAccount:deploy@demo-dev.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_cloud_run_v2_job_iam_member.deployer["pipeline"].role == "roles/run.developer"
    error_message = "A deployer cannot change who may start it."
  }
}

run "an_image_by_tag_is_refused" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/train:latest"
  }

  expect_failures = [var.image]
}

run "too_little_memory_is_refused" {
  command = plan

  variables {
    memory_mib = 256
  }

  expect_failures = [var.memory_mib]
}

run "three_processors_are_refused" {
  command = plan

  variables {
    cpu = 3
  }

  expect_failures = [var.cpu]
}

run "more_memory_than_processors_is_refused" {
  command = plan

  variables {
    memory_mib = 32768
  }

  expect_failures = [var.cpu]
}

run "more_than_a_week_is_refused" {
  command = plan

  variables {
    timeout_seconds = 604801
  }

  expect_failures = [var.timeout_seconds]
}

run "eleven_more_attempts_are_refused" {
  command = plan

  variables {
    retries = 11
  }

  expect_failures = [var.retries]
}
