output "urls" {
  description = "Where each function answers: behind the host, if there is one."
  value       = { for name, row in local.called : name => var.host == "" ? module.service[name].uri : "https://${var.host}" }
}

output "uploads_bucket" {
  description = "Where files are dropped."
  value       = module.bucket["uploads"].name
}

output "artifacts_bucket" {
  description = "Where splits and models are kept."
  value       = module.bucket["artifacts"].name
}

output "registry" {
  description = "What the address of each image begins with."
  value       = module.registry.address
}

output "address" {
  description = "What the host's A record is to be; null without a host."
  value       = one([for front in module.front : front.address])
}

output "deployer" {
  description = "For the workflow that deploys: its account and its provider of identities."
  value       = { for key, delivery in module.delivery : key => { account = delivery.account, provider = delivery.provider } }
}
