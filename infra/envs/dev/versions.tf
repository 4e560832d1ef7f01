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
    prefix = "mlsys/dev"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
