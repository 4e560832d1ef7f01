output "address" {
  description = "What the host's A record is to be."
  value       = google_compute_global_address.this.address
}
