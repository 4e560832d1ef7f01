variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "project_number" {
  description = "Its number, by which the pool of identities is known."
  type        = string
}

variable "name" {
  description = "Name of the pool and of the deployer's account: 6 to 30 of a-z, 0-9 and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name)) && !startswith(var.name, "gcp-")
    error_message = "The name has 6 to 30 of a-z, 0-9 and hyphens, and does not start with gcp-."
  }
}

variable "environment" {
  description = "Name of GitHub's environment that a workflow must run in; the state is below it too."
  type        = string
}

variable "repository_id" {
  description = "Id of the repository: gh api repos/OWNER/NAME --jq .id"
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "A repository is named by its id (digits), not by its name, which others may take over."
  }
}

variable "repository_owner_id" {
  description = "Id of its owner: gh api repos/OWNER/NAME --jq .owner.id"
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_owner_id))
    error_message = "An owner is named by the id (digits), not by the name, which others may take over."
  }
}

variable "state_bucket" {
  description = "Bucket of Terraform's state."
  type        = string
}

variable "reads" {
  description = "Roles to look at what a plan compares."
  type        = set(string)
  default = [
    "roles/artifactregistry.reader",
    "roles/compute.networkViewer",
    "roles/iam.roleViewer",
    "roles/iam.securityReviewer",
    "roles/iam.serviceAccountViewer",
    "roles/iam.workloadIdentityPoolViewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
    "roles/serviceusage.serviceUsageViewer",
  ]
  nullable = false

  validation {
    condition     = alltrue([for role in var.reads : can(regex("([vV]iewer|[rR]eader|Reviewer)$", role)) && role != "roles/viewer"])
    error_message = "The deployer only looks at the project: roles of viewers and readers, and not the basic one."
  }
}
