mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-predict-dev"
  image      = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/serve@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  command    = ["functions-framework"]
  probe      = "/livez"
  invokers   = ["group:analysts@example.com"]
}

run "it_is_closed_and_scales_to_nothing" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && !google_cloud_run_v2_service.this.invoker_iam_disabled
    error_message = "Nobody outside reaches a service unless that is asked for."
  }

  assert {
    condition     = google_cloud_run_v2_service.this.deletion_protection
    error_message = "Nobody deletes a service by mistake."
  }

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count == 0
    error_message = "Nothing runs while nobody asks."
  }

  assert {
    condition     = keys(google_cloud_run_v2_service_iam_member.invoker) == ["group:analysts@example.com"]
    error_message = "Who is named may call, and nobody else."
  }

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/livez"
    error_message = "What hangs is noticed."
  }
}

run "what_takes_events_is_not_asked_over_http" {
  command = plan

  variables {
    probe = ""
  }

  assert {
    condition     = length(google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe) == 0
    error_message = "It answers POST only."
  }
}

run "a_deployer_rolls_out" {
  command = plan

  variables {
    deployers = { pipeline = "serviceAccount:deploy@demo-dev.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.deployer["pipeline"].role == "roles/run.developer"
    error_message = "A deployer cannot change who may call."
  }
}

run "an_image_by_tag_is_refused" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/serve:latest"
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

run "half_a_processor_is_refused" {
  command = plan

  variables {
    cpu = 0.5
  }

  expect_failures = [var.cpu]
}

run "more_memory_than_processors_is_refused" {
  command = plan

  variables {
    memory_mib = 8192
  }

  expect_failures = [var.cpu]
}

run "no_request_at_once_is_refused" {
  command = plan

  variables {
    concurrency = 0
  }

  expect_failures = [var.concurrency]
}

run "more_than_an_hour_is_refused" {
  command = plan

  variables {
    timeout_seconds = 3601
  }

  expect_failures = [var.timeout_seconds]
}

run "fewer_at_most_than_at_least_is_refused" {
  command = plan

  variables {
    min_instances = 9
  }

  expect_failures = [var.max_instances]
}

run "an_ingress_that_there_is_not_is_refused" {
  command = plan

  variables {
    ingress = "EVERYWHERE"
  }

  expect_failures = [var.ingress]
}

run "everybody_is_refused" {
  command = plan

  variables {
    invokers = ["allUsers"]
  }

  expect_failures = [var.invokers]
}
