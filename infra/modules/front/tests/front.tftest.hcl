mock_provider "google" {}

variables {
  project_id = "demo-dev"
  region     = "europe-west1"
  name       = "mlsys-dev"
  host       = "ml.example.com"
  services   = { health = "mlsys-health-dev", models = "mlsys-models-dev", predict = "mlsys-predict-dev" }
  default    = "health"
  routes = [
    { path = "/v1/models/{model_id}", service = "models" },
    { path = "/v1/models/{name}:predict", service = "predict" },
    { path = "/v1/predict", service = "predict" },
  ]
}

run "a_verb_is_told_by_its_method_before_its_neighbours" {
  command = plan

  assert {
    condition = [
      for rule in google_compute_url_map.this.path_matcher[0].route_rules :
      "${coalesce(rule.match_rules[0].path_template_match, rule.match_rules[0].full_path_match)} ${join("", [for header in rule.match_rules[0].header_matches : header.exact_match])}"
    ] == ["/v1/models/* POST", "/v1/models/* ", "/v1/predict "]
    error_message = "POST /v1/models/NAME:predict goes first, then what has only a path."
  }

  assert {
    condition     = length(google_compute_region_network_endpoint_group.this) == 3 && google_compute_global_forwarding_rule.this.port_range == "443"
    error_message = "Every service is behind the one host, over TLS."
  }
}

run "another_hosts_certificate_has_another_name" {
  command = plan

  variables {
    host = "new.example.com"
  }

  assert {
    condition     = google_compute_managed_ssl_certificate.this.name == "mlsys-dev-${substr(sha256("new.example.com"), 0, 8)}"
    error_message = "Two certificates of one name could not stand beside each other."
  }
}

run "an_address_is_no_host" {
  command = plan

  variables {
    host = "https://ml.example.com"
  }

  expect_failures = [var.host]
}

run "a_route_to_nowhere_is_refused" {
  command = plan

  variables {
    routes = [{ path = "/v1/none", service = "none" }]
  }

  expect_failures = [var.routes]
}

run "a_path_without_a_slash_is_refused" {
  command = plan

  variables {
    routes = [{ path = "v1/predict", service = "predict" }]
  }

  expect_failures = [var.routes]
}

run "a_default_that_there_is_not_is_refused" {
  command = plan

  variables {
    default = "none"
  }

  expect_failures = [var.default]
}

run "a_share_of_nothing_is_refused" {
  command = plan

  variables {
    log_share = 0
  }

  expect_failures = [var.log_share]
}
