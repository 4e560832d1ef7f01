# What is watched: a dashboard, alerts that each say what to do, and a budget.

locals {
  services      = "monitoring.regex.full_match(\"${join("|", var.services)}\")"
  jobs          = "monitoring.regex.full_match(\"${join("|", var.jobs)}\")"
  subscriptions = "monitoring.regex.full_match(\"${join("|", var.subscriptions)}\")"
  dead_letters  = "monitoring.regex.full_match(\"${join("|", var.dead_letters)}\")"

  service_metric      = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = ${local.services}"
  subscription_metric = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id"

  watched = {
    dead-letters = {
      title       = "Dead letters"
      filter      = "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND ${local.subscription_metric} = ${local.dead_letters}"
      denominator = ""
      aligner     = "ALIGN_MAX"
      reducer     = "REDUCE_SUM"
      by          = ["resource.label.subscription_id"]
      above       = 0
      for_seconds = 0
      severity    = "ERROR"
      todo        = "An event was given up. Read the log lines of its event_id, mend the cause, then deliver it again (docs/operations.md, Dead letters)."
    }
    oldest-unacked = {
      title       = "Oldest event that nobody took, seconds"
      filter      = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.subscription_metric} = ${local.subscriptions}"
      denominator = ""
      aligner     = "ALIGN_MAX"
      reducer     = "REDUCE_MAX"
      by          = ["resource.label.subscription_id"]
      above       = var.oldest_unacked_seconds
      for_seconds = 300
      severity    = "WARNING"
      todo        = "Events wait. See whether the service fails (its log), or is at max_instances."
    }
    errors = {
      title       = "Share of requests answered 5xx"
      filter      = "metric.type = \"run.googleapis.com/request_count\" AND ${local.service_metric} AND metric.labels.response_code_class = \"5xx\""
      denominator = "metric.type = \"run.googleapis.com/request_count\" AND ${local.service_metric}"
      aligner     = "ALIGN_RATE"
      reducer     = "REDUCE_SUM"
      by          = ["resource.label.service_name"]
      above       = var.error_share
      for_seconds = 300
      severity    = "ERROR"
      todo        = "Read request.failed in the service's log; roll back if it began with a release (docs/operations.md, Rollback). An event that is postponed counts too."
    }
    latency = {
      title       = "95th percentile of predictions, milliseconds"
      filter      = "metric.type = \"run.googleapis.com/request_latencies\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${var.predict}\""
      denominator = ""
      aligner     = "ALIGN_DELTA"
      reducer     = "REDUCE_PERCENTILE_95"
      by          = ["resource.label.service_name"]
      above       = var.p95_milliseconds
      for_seconds = 600
      severity    = "WARNING"
      todo        = "See whether instances start often (min_instances), or take too many requests at once (concurrency)."
    }
    failed-executions = {
      title       = "Executions of jobs that failed"
      filter      = "metric.type = \"run.googleapis.com/job/completed_execution_count\" AND resource.type = \"cloud_run_job\" AND resource.labels.job_name = ${local.jobs} AND metric.labels.result = \"failed\""
      denominator = ""
      aligner     = "ALIGN_DELTA"
      reducer     = "REDUCE_SUM"
      by          = ["resource.label.job_name"]
      above       = 0
      for_seconds = 0
      severity    = "ERROR"
      todo        = "Read study.failed or ingest.failed in the job's log; send the experiment's request again with its request_id to go on."
    }
  }
}

locals {
  aggregations = {
    for key, watched in local.watched : key => {
      alignmentPeriod    = "300s"
      perSeriesAligner   = watched.aligner
      crossSeriesReducer = watched.reducer
      groupByFields      = watched.by
    }
  }
  queries = {
    for key, watched in local.watched : key => {
      for kind, query in {
        timeSeriesFilter = watched.denominator != "" ? null : { filter = watched.filter, aggregation = local.aggregations[key] }
        timeSeriesFilterRatio = watched.denominator == "" ? null : {
          numerator   = { filter = watched.filter, aggregation = local.aggregations[key] }
          denominator = { filter = watched.denominator, aggregation = local.aggregations[key] }
        }
      } : kind => query if query != null
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  project      = var.project_id
  display_name = "${var.name} ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.watched

  project               = var.project_id
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.name]
  user_labels           = var.labels

  conditions {
    display_name = "${each.value.title} above ${each.value.above}"

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.denominator == "" ? null : each.value.denominator
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = "${each.value.for_seconds}s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.by
      }

      dynamic "denominator_aggregations" {
        for_each = toset(compact([each.value.denominator]))

        content {
          alignment_period     = "300s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = each.value.reducer
          group_by_fields      = each.value.by
        }
      }

      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    content   = each.value.todo
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 12
      tiles = [
        for place, key in keys(local.watched) : merge(
          # The API leaves zeros out of what it tells, which would be a change in every plan.
          { for side, at in { xPos = place % 2 * 6, yPos = floor(place / 2) * 4 } : side => at if at != 0 },
          {
            width  = 6
            height = 4
            widget = {
              title = local.watched[key].title
              xyChart = {
                dataSets = [{
                  plotType        = "LINE"
                  timeSeriesQuery = local.queries[key]
                }]
              }
            }
          },
        )
      ]
    }
  })
}

resource "google_billing_budget" "this" {
  for_each = toset(compact([var.billing_account]))

  billing_account = each.value
  display_name    = var.name

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = toset([0.5, 0.9, 1])

    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = [for channel in google_monitoring_notification_channel.email : channel.name]
    disable_default_iam_recipients   = false
  }
}
