mock_provider "google" {}

variables {
  project_id     = "demo-dev"
  project_number = "123456789012"
  environment    = "dev"
  images = {
    for target in ["serve", "ingest", "train", "explain"] :
    target => "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/${target}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "the_table_is_deployed_and_options_are_off" {
  command = plan

  assert {
    condition     = output.uploads_bucket != output.artifacts_bucket
    error_message = "A split that wrote among the uploads would feed itself."
  }

  assert {
    condition     = output.address == null && length(output.deployer) == 0
    error_message = "Without a host there is no load balancer, without a repository no deployer."
  }

  assert {
    condition     = length(module.service) == 9 && length(module.job) == 2 && length(module.event_trigger) == 2
    error_message = "Each row of the table is deployed."
  }
}

run "options_are_on" {
  command = plan

  variables {
    host                = "ml.example.com"
    repository_id       = "123"
    repository_owner_id = "456"
    state_bucket        = "demo-state"
    audited             = ["storage.googleapis.com"]
    min_instances       = { predict = 1 }
  }

  assert {
    condition     = length(module.front) == 1 && length(module.delivery) == 1
    error_message = "What is asked for is there."
  }

  assert {
    condition     = length(google_project_iam_audit_config.this) == 1
    error_message = "Writes are logged."
  }
}

run "a_number_is_no_id" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}

run "an_id_is_no_number" {
  command = plan

  variables {
    project_number = "demo-dev"
  }

  expect_failures = [var.project_number]
}

run "a_zone_is_no_region" {
  command = plan

  variables {
    region = "europe-west1-b"
  }

  expect_failures = [var.region]
}

run "another_environment_is_refused" {
  command = plan

  variables {
    environment = "test"
  }

  expect_failures = [var.environment]
}

run "a_target_without_an_image_is_refused" {
  command = plan

  variables {
    images = { serve = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev/serve@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
  }

  expect_failures = [var.images]
}

run "a_group_that_there_is_not_is_refused" {
  command = plan

  variables {
    invokers = { everybody = ["group:all@example.com"] }
  }

  expect_failures = [var.invokers]
}

run "a_repository_without_a_state_is_refused" {
  command = plan

  variables {
    repository_id       = "123"
    repository_owner_id = "456"
  }

  expect_failures = [var.state_bucket]
}
