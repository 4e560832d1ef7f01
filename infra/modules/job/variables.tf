variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "name" {
  description = "Name, of its account too: 6 to 30 of a-z, 0-9 and hyphens."
  type        = string
}

variable "image" {
  description = "Container image, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest (…@sha256:…): a tag may move."
  }
}

variable "command" {
  description = "Program that the container runs."
  type        = list(string)
}

variable "memory_mib" {
  description = "Memory in MiB."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_mib >= 512 && var.memory_mib <= 32768
    error_message = "Cloud Run's second generation gives 512 to 32,768 MiB."
  }
}

variable "cpu" {
  description = "Processors."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([1, 2, 4, 8], var.cpu)
    error_message = "Cloud Run gives 1, 2, 4 or 8 processors."
  }

  validation {
    condition     = var.memory_mib <= 4096 * var.cpu
    error_message = "Cloud Run gives at most 4,096 MiB for each processor."
  }
}

variable "environment" {
  description = "Environment variables. Names must exist in mlsys.settings.Settings."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "roles" {
  description = "What its account may do, by resource."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "resources" {
  description = "The names that stand behind each resource that roles may be on."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "deployers" {
  description = "Who may roll out new versions. By a name of ours."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete it."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels, for bills and searches."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "parallelism" {
  description = "The most tasks at once; null is as many as Cloud Run has room for."
  type        = number
  default     = null
}

variable "timeout_seconds" {
  description = "After how long an attempt of a task is ended."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 604800
    error_message = "A task of Cloud Run takes 1 to 604,800 seconds (a week)."
  }
}

variable "retries" {
  description = "How often a task that failed is started again."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.retries >= 0 && var.retries <= 10
    error_message = "Cloud Run starts a task again 0 to 10 times."
  }
}
