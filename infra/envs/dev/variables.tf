variable "project_id" {
  description = "Google Cloud project of this environment."
  type        = string
}

variable "project_number" {
  description = "Its number: gcloud projects describe ID --format='value(projectNumber)'."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "europe-west1"
}

variable "images" {
  description = "Images by target of the Dockerfile, each by digest."
  type        = map(string)
}

variable "invokers" {
  description = "Who is in each group of callers: callers, promoters."
  type        = map(set(string))
  default     = {}
}

variable "database" {
  description = "Name of the database; empty for mlsys-ENVIRONMENT. Another one stands in after a restore."
  type        = string
  default     = ""
}

variable "source_buckets" {
  description = "Other buckets whose objects may be split."
  type        = set(string)
  default     = []
}

variable "host" {
  description = "Name of one public host in front of the HTTP functions; empty for none."
  type        = string
  default     = ""
}

variable "repository_id" {
  description = "Id of the GitHub repository that deploys; empty for none."
  type        = string
  default     = ""
}

variable "repository_owner_id" {
  description = "Id of its owner."
  type        = string
  default     = ""
}

variable "state_bucket" {
  description = "Bucket of Terraform's state, for the repository that deploys."
  type        = string
  default     = ""
}

variable "registry_readers" {
  description = "Who else pulls images."
  type        = set(string)
  default     = []
}

variable "emails" {
  description = "Who is told when something is wrong."
  type        = set(string)
  default     = []
}

variable "billing_account" {
  description = "Billing account of the budget; empty for no budget."
  type        = string
  default     = ""
}
