# One public host before the HTTP functions. Who may call is still decided by each function: the
# load balancer hands the caller's identity token through.

locals {
  # What ends in :verb is told from its neighbours by its method alone, and goes first.
  verbs = [for route in var.routes : route if strcontains(route.path, ":")]
  plain = [for route in var.routes : route if !strcontains(route.path, ":")]
  rules = concat(
    [for route in local.verbs : { path = replace(replace(route.path, "/:\\w+$/", ""), "/{\\w+}/", "*"), method = "POST", service = route.service }],
    [for route in local.plain : { path = replace(route.path, "/{\\w+}/", "*"), method = "", service = route.service }],
  )
}

resource "google_compute_global_address" "this" {
  project = var.project_id
  name    = var.name
  labels  = var.labels
}

resource "google_compute_region_network_endpoint_group" "this" {
  for_each = var.services

  project               = var.project_id
  region                = var.region
  name                  = each.value
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value
  }
}

resource "google_compute_backend_service" "this" {
  for_each = var.services

  project               = var.project_id
  name                  = each.value
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"

  backend {
    group = google_compute_region_network_endpoint_group.this[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = var.log_share
  }
}

resource "google_compute_url_map" "this" {
  project         = var.project_id
  name            = var.name
  default_service = google_compute_backend_service.this[var.default].id

  host_rule {
    hosts        = [var.host]
    path_matcher = "paths"
  }

  path_matcher {
    name            = "paths"
    default_service = google_compute_backend_service.this[var.default].id

    dynamic "route_rules" {
      for_each = local.rules

      content {
        priority = route_rules.key + 1
        service  = google_compute_backend_service.this[route_rules.value.service].id

        match_rules {
          full_path_match     = strcontains(route_rules.value.path, "*") ? null : route_rules.value.path
          path_template_match = strcontains(route_rules.value.path, "*") ? route_rules.value.path : null

          dynamic "header_matches" {
            for_each = toset(compact([route_rules.value.method]))

            content {
              header_name = ":method"
              exact_match = header_matches.value
            }
          }
        }
      }
    }
  }
}

# A certificate in use cannot be deleted, so that another host's goes first and has another name.
resource "google_compute_managed_ssl_certificate" "this" {
  project = var.project_id
  name    = "${var.name}-${substr(sha256(var.host), 0, 8)}"

  managed {
    domains = [var.host]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project_id
  name             = var.name
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
}

resource "google_compute_global_forwarding_rule" "this" {
  project               = var.project_id
  name                  = var.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
  labels                = var.labels
}
