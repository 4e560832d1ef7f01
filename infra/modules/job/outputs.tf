output "name" {
  description = "Name of the job."
  value       = google_cloud_run_v2_job.this.name
}

output "account" {
  description = "Address of its account."
  value       = module.account.email
}
