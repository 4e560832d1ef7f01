mock_provider "google" {}

variables {
  project_id          = "demo-dev"
  project_number      = "123456789012"
  name                = "mlsys-deploy-dev"
  environment         = "dev"
  repository_id       = "123"
  repository_owner_id = "456"
  state_bucket        = "demo-state"
}

run "only_workflows_of_one_repository_come_in" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_condition == "assertion.repository_id == \"123\" && assertion.repository_owner_id == \"456\" && assertion.environment == \"dev\" && assertion.ref == \"refs/heads/main\""
    error_message = "Ids are compared, not names, and only what was merged comes in."
  }

  assert {
    condition     = endswith(google_service_account_iam_member.workflow.member, "/attribute.repository_id/123")
    error_message = "Only that repository acts as the account."
  }

  assert {
    condition     = alltrue([for key, grant in google_project_iam_member.reads : !endswith(grant.role, "dmin") if key != "planner"])
    error_message = "At the project it only looks."
  }

  assert {
    condition     = google_project_iam_member.quota.role == "roles/serviceusage.serviceUsageConsumer"
    error_message = "Its calls may be counted as the project's."
  }

  assert {
    condition     = strcontains(google_storage_bucket_iam_member.state.condition[0].expression, "objects/mlsys/dev/")
    error_message = "It writes the state of its own environment alone."
  }
}

run "a_reserved_name_is_refused" {
  command = plan

  variables {
    name = "gcp-deploy"
  }

  expect_failures = [var.name]
}

run "a_repositorys_name_is_refused" {
  command = plan

  variables {
    repository_id = "owner/name"
  }

  expect_failures = [var.repository_id]
}

run "an_owners_name_is_refused" {
  command = plan

  variables {
    repository_owner_id = "owner"
  }

  expect_failures = [var.repository_owner_id]
}

run "a_role_that_writes_is_refused" {
  command = plan

  variables {
    reads = ["roles/run.admin"]
  }

  expect_failures = [var.reads]
}

run "the_basic_viewer_is_refused" {
  command = plan

  variables {
    reads = ["roles/viewer"]
  }

  expect_failures = [var.reads]
}
