mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-study-dev"
  roles = {
    "database"                = ["roles/datastore.user"]
    "bucket/artifacts/models" = ["roles/storage.objectUser"]
    "bucket/uploads"          = ["roles/storage.objectViewer"]
    "topic/experiments"       = ["roles/pubsub.publisher"]
    "job/study"               = ["roles/run.viewer", "roles/run.jobsExecutor"]
  }
  resources = {
    "database"                = ["mlsys-dev"]
    "bucket/artifacts/models" = ["demo-artifacts"]
    "bucket/uploads"          = ["demo-uploads", "demo-more"]
    "topic/experiments"       = ["mlsys-experiments-dev"]
    "job/study"               = ["mlsys-study-dev"]
  }
}

run "each_role_is_on_its_resource" {
  command = plan

  assert {
    condition     = [for grant in google_project_iam_member.database : grant.condition[0].expression] == ["resource.name == \"projects/demo-dev/databases/mlsys-dev\""]
    error_message = "Firestore's role is on one database."
  }

  assert {
    condition     = toset([for grant in google_storage_bucket_iam_member.this : grant.bucket]) == toset(["demo-artifacts", "demo-more", "demo-uploads"])
    error_message = "A role on a bucket is on each that stands behind its name."
  }

  assert {
    condition     = flatten([for grant in google_storage_bucket_iam_member.this : [for condition in grant.condition : condition.title]]) == ["only-models"]
    error_message = "A role on a folder has a condition, one on a bucket has none."
  }

  assert {
    condition     = length(google_cloud_run_v2_job_iam_member.this) == 2 && length(google_pubsub_topic_iam_member.this) == 1
    error_message = "Roles on jobs and topics are given there."
  }

  assert {
    condition     = length(google_service_account_iam_member.deployer) == 0
    error_message = "Nobody deploys as it unless that is asked for."
  }
}

run "deployers_may_act_as_it" {
  command = plan

  variables {
    deployers = { pipeline = "serviceAccount:deploy@demo-dev.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_service_account_iam_member.deployer["pipeline"].role == "roles/iam.serviceAccountUser"
    error_message = "A deployer acts as the account."
  }
}

run "a_name_that_is_too_long_is_refused" {
  command = plan

  variables {
    name = "mlsys-a-name-of-more-than-thirty"
  }

  expect_failures = [var.name]
}

run "a_resource_of_no_kind_is_refused" {
  command = plan

  variables {
    roles     = { "table/rows" = ["roles/bigquery.dataViewer"] }
    resources = { "table/rows" = ["rows"] }
  }

  expect_failures = [var.roles]
}

run "a_resource_that_there_is_not_is_refused" {
  command = plan

  variables {
    roles = { "bucket/none" = ["roles/storage.objectViewer"] }
  }

  expect_failures = [var.roles]
}

run "a_basic_role_is_refused" {
  command = plan

  variables {
    roles = { "database" = ["roles/editor"] }
  }

  expect_failures = [var.roles]
}
