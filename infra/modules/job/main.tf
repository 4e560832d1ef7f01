# One Cloud Run job with an account of its own. Who starts it says how many tasks, and gives the
# arguments: they replace any that stood here, so that the command names all of the program.

module "account" {
  source = "../account"

  project_id  = var.project_id
  region      = var.region
  name        = var.name
  description = "Cloud Run job ${var.name}"
  roles       = var.roles
  resources   = var.resources
  deployers   = var.deployers
}

resource "google_cloud_run_v2_job" "this" {
  project             = var.project_id
  location            = var.region
  name                = var.name
  deletion_protection = var.deletion_protection
  labels              = var.labels

  template {
    task_count  = 1
    parallelism = var.parallelism
    labels      = var.labels

    template {
      service_account       = module.account.email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${var.timeout_seconds}s"
      max_retries           = var.retries

      containers {
        image   = var.image
        command = var.command

        resources {
          limits = {
            cpu    = tostring(var.cpu)
            memory = "${var.memory_mib}Mi"
          }
        }

        dynamic "env" {
          for_each = var.environment

          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }
}

# Rolls out, and cannot change who may start it.
resource "google_cloud_run_v2_job_iam_member" "deployer" {
  for_each = var.deployers

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.this.name
  role     = "roles/run.developer"
  member   = each.value
}
