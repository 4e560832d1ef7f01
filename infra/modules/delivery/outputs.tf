output "member" {
  description = "The deployer as a member of policies."
  value       = google_service_account.this.member
}

output "account" {
  description = "Its address, for the workflow."
  value       = google_service_account.this.email
}

output "provider" {
  description = "Name of the provider of identities, for the workflow."
  value       = google_iam_workload_identity_pool_provider.github.name
}
