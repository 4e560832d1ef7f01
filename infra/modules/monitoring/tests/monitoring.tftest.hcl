mock_provider "google" {}

variables {
  project_id      = "demo-dev"
  project_number  = "123456789012"
  name            = "mlsys dev"
  services        = ["mlsys-predict-dev", "mlsys-split-dev"]
  predict         = "mlsys-predict-dev"
  jobs            = ["mlsys-study-dev"]
  subscriptions   = ["mlsys-push-split-dev"]
  dead_letters    = ["mlsys-uploads-dev-dead-letters"]
  emails          = ["operators@example.com"]
  billing_account = "012345-6789AB-CDEF01"
}

run "everything_that_may_go_wrong_is_told" {
  command = plan

  assert {
    condition     = toset(output.alerts) == toset(["dead-letters", "errors", "failed-executions", "latency", "oldest-unacked"])
    error_message = "Each way to fail has its alert."
  }

  assert {
    condition     = alltrue([for alert in google_monitoring_alert_policy.this : length(alert.documentation[0].content) > 40])
    error_message = "Each alert says what to do."
  }

  assert {
    condition     = length(google_monitoring_alert_policy.this["errors"].conditions[0].condition_threshold[0].denominator_aggregations) == 1
    error_message = "Errors are a share of all requests."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["dead-letters"].conditions[0].condition_threshold[0].filter, "mlsys-uploads-dev-dead-letters")
    error_message = "What keeps dead letters is watched."
  }

  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 5
    error_message = "What is watched is drawn."
  }

  assert {
    condition = [
      for tile in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles :
      [lookup(tile, "xPos", "left out"), lookup(tile, "yPos", "left out")]
    ] == [["left out", "left out"], [6, "left out"], ["left out", 4], [6, 4], ["left out", 8]]
    error_message = "No zero is written, which the API would leave out."
  }

  assert {
    condition     = keys(google_billing_budget.this) == ["012345-6789AB-CDEF01"]
    error_message = "There is a budget."
  }
}

run "without_a_billing_account_there_is_no_budget" {
  command = plan

  variables {
    billing_account = ""
  }

  assert {
    condition     = length(google_billing_budget.this) == 0
    error_message = "A budget is the billing account's."
  }
}

run "what_is_no_address_is_refused" {
  command = plan

  variables {
    emails = ["operators"]
  }

  expect_failures = [var.emails]
}

run "more_addresses_than_a_budget_tells_are_refused" {
  command = plan

  variables {
    emails = [for name in ["a", "b", "c", "d", "e", "f"] : "${name}@example.com"]
  }

  expect_failures = [var.emails]
}

run "without_a_budget_more_are_told" {
  command = plan

  variables {
    billing_account = ""
    emails          = [for name in ["a", "b", "c", "d", "e", "f"] : "${name}@example.com"]
  }

  assert {
    condition     = length(google_monitoring_notification_channel.email) == 6
    error_message = "Alerts tell more addresses than a budget."
  }
}

run "more_than_all_is_refused" {
  command = plan

  variables {
    error_share = 1.5
  }

  expect_failures = [var.error_share]
}

run "a_name_is_no_billing_account" {
  command = plan

  variables {
    billing_account = "ours"
  }

  expect_failures = [var.billing_account]
}

run "half_a_unit_is_refused" {
  command = plan

  variables {
    budget = 0.5
  }

  expect_failures = [var.budget]
}
