# What others rely on: kept longer, watched more closely.

module "platform" {
  source = "../../modules/platform"

  environment         = "prod"
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

  deletion_protection    = true
  budget                 = 500
  audited                = ["datastore.googleapis.com", "storage.googleapis.com"]
  soft_delete_days       = 30
  backup_days            = 98
  quarantine_days        = 90
  models_noncurrent_days = 365
  oldest_unacked_seconds = 900
  error_share            = 0.01
  p95_milliseconds       = 300
}
