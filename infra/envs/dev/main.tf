# Where changes arrive first; all of it can be destroyed.

module "platform" {
  source = "../../modules/platform"

  environment         = "dev"
  project_id          = var.project_id
  project_number      = var.project_number
  region              = var.region
  images              = var.images
  invokers            = var.invokers
  database            = var.database
  source_buckets      = var.source_buckets
  host                = var.host
  repository_id       = var.repository_id
  repository_owner_id = var.repository_owner_id
  state_bucket        = var.state_bucket
  registry_readers    = var.registry_readers
  emails              = var.emails
  billing_account     = var.billing_account

  deletion_protection = false
  budget              = 50
}
