output "email" {
  description = "The account's address."
  value       = google_service_account.this.email
}

output "member" {
  description = "The account as a member of policies."
  value       = google_service_account.this.member
}
