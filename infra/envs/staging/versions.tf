terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.46, < 9.0"
    }
  }

  # The bucket is named by: terraform init -backend-config=bucket=NAME
  backend "gcs" {
    prefix = "mlsys/staging"
  }
}

# Budgets refuse a person's calls that no project answers for.
provider "google" {
  project               = var.project_id
  region                = var.region
  billing_project       = var.project_id
  user_project_override = true
}
