output "name" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.this.name
}

output "uri" {
  description = "Where it answers."
  value       = google_cloud_run_v2_service.this.uri
}

output "account" {
  description = "Address of its account."
  value       = module.account.email
}
