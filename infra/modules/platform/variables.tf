variable "project_id" {
  description = "Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 of a-z, 0-9 and hyphens, and starts with a letter."
  }
}

variable "project_number" {
  description = "Its number, by which Google's service agents are known."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "A project's number has only digits: gcloud projects describe ID --format='value(projectNumber)'."
  }
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "europe-west1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written like europe-west1."
  }
}

variable "environment" {
  description = "Name of the environment; all names end with it."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "An environment is dev, staging or prod."
  }
}

variable "images" {
  description = "Images by target of the Dockerfile, each by digest."
  type        = map(string)

  validation {
    condition     = alltrue([for row in values(yamldecode(file("${path.module}/../../deployables.yaml"))) : contains(keys(var.images), row.image)])
    error_message = "There is an image for each target that infra/deployables.yaml names."
  }
}

variable "invokers" {
  description = "Who is in each group of callers (callers, promoters), as members of policies."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for group in keys(var.invokers) : contains(["callers", "promoters"], group)])
    error_message = "The groups of callers are callers and promoters."
  }
}

variable "database" {
  description = "Name of the database; empty for mlsys-ENVIRONMENT. Another one stands in after a restore."
  type        = string
  default     = ""
  nullable    = false
}

variable "source_buckets" {
  description = "Other buckets whose objects may be split."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "min_instances" {
  description = "Instances that stand ready, by deployable, where the table's number is not enough."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "host" {
  description = "Name of one public host in front of the HTTP functions; empty for none."
  type        = string
  default     = ""
  nullable    = false
}

variable "repository_id" {
  description = "Id of the GitHub repository that deploys; empty for none."
  type        = string
  default     = ""
  nullable    = false
}

variable "repository_owner_id" {
  description = "Id of its owner."
  type        = string
  default     = ""
  nullable    = false
}

variable "state_bucket" {
  description = "Bucket of Terraform's state, for the repository that deploys."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.repository_id == "" || (var.repository_owner_id != "" && var.state_bucket != "")
    error_message = "What deploys from a repository needs repository_owner_id and state_bucket too."
  }
}

variable "registry_readers" {
  description = "Who else pulls images: serviceAccount:service-NUMBER@serverless-robot-prod.iam.gserviceaccount.com of the other environments."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "emails" {
  description = "Who is told when something is wrong."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "billing_account" {
  description = "Billing account of the budget; empty for no budget."
  type        = string
  default     = ""
  nullable    = false
}

variable "budget" {
  description = "Whole units of the billing account's currency in a month."
  type        = number
  default     = 50
  nullable    = false
}

variable "audited" {
  description = "Services of Google whose writes are logged with who made them."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether services, jobs, records and objects are kept from being deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "soft_delete_days" {
  description = "For how many days deleted objects can be brought back."
  type        = number
  default     = 7
  nullable    = false
}

variable "backup_days" {
  description = "For how many days a daily backup of the records is kept."
  type        = number
  default     = 7
  nullable    = false
}

variable "quarantine_days" {
  description = "After how many days what a contract refused is deleted."
  type        = number
  default     = 30
  nullable    = false
}

variable "scratch_days" {
  description = "After how many days rows that came in a request are deleted; their split has them."
  type        = number
  default     = 7
  nullable    = false
}

variable "experiments_days" {
  description = "After how many days an experiment's copy of its model is deleted; the registry has it."
  type        = number
  default     = 90
  nullable    = false
}

variable "models_noncurrent_days" {
  description = "For how many days models that were deleted or overwritten are kept."
  type        = number
  default     = 90
  nullable    = false
}

variable "oldest_unacked_seconds" {
  description = "How long an event may wait before somebody is told."
  type        = number
  default     = 1800
  nullable    = false
}

variable "error_share" {
  description = "Which share of 5xx answers is too much."
  type        = number
  default     = 0.05
  nullable    = false
}

variable "p95_milliseconds" {
  description = "How slow the 95th of 100 predictions may be."
  type        = number
  default     = 1000
  nullable    = false
}
