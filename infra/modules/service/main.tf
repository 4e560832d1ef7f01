# One deployed function: a Cloud Run service with an account of its own.

module "account" {
  source = "../account"

  project_id  = var.project_id
  region      = var.region
  name        = var.name
  description = "Cloud Run service ${var.name}"
  roles       = var.roles
  resources   = var.resources
  deployers   = var.deployers
}

resource "google_cloud_run_v2_service" "this" {
  project              = var.project_id
  location             = var.region
  name                 = var.name
  ingress              = var.ingress
  custom_audiences     = var.audiences
  deletion_protection  = var.deletion_protection
  invoker_iam_disabled = false
  labels               = var.labels

  template {
    service_account                  = module.account.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency
    labels                           = var.labels

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image   = var.image
      command = var.command

      ports {
        container_port = 8080
      }

      resources {
        cpu_idle          = true
        startup_cpu_boost = true
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

      # The framework listens once the function is imported; a probe over HTTP would ask each second.
      startup_probe {
        period_seconds    = 240
        timeout_seconds   = 240
        failure_threshold = 1

        tcp_socket {
          port = 8080
        }
      }

      # What takes events answers nothing but POST.
      dynamic "liveness_probe" {
        for_each = toset(compact([var.probe]))

        content {
          period_seconds    = 60
          timeout_seconds   = 10
          failure_threshold = 3

          http_get {
            path = liveness_probe.value
            port = 8080
          }
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = toset(var.invokers)

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

# Rolls out, and cannot change who may call.
resource "google_cloud_run_v2_service_iam_member" "deployer" {
  for_each = var.deployers

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.developer"
  member   = each.value
}
