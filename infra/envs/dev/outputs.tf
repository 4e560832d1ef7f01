output "platform" {
  description = "Addresses and names of this environment."
  value       = module.platform
}
