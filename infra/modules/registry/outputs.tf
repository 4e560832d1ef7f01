output "name" {
  description = "Name of the repository."
  value       = google_artifact_registry_repository.this.name
}

output "address" {
  description = "What the address of each image begins with."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${var.name}"
}
