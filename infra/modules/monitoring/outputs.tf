output "alerts" {
  description = "What is watched."
  value       = keys(google_monitoring_alert_policy.this)
}
