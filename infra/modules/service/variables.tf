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

variable "concurrency" {
  description = "Requests at once in one instance."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "Cloud Run sends 1 to 1,000 requests at once to an instance."
  }
}

variable "timeout_seconds" {
  description = "After how long a request is given up."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "A request of Cloud Run takes 1 to 3,600 seconds."
  }
}

variable "min_instances" {
  description = "Instances that stand ready, and are paid for, while nobody asks."
  type        = number
  default     = 0
  nullable    = false
}

variable "max_instances" {
  description = "The most instances, which bounds the bill."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_instances >= max(1, var.min_instances)
    error_message = "There is at least 1 instance at most, and no less than min_instances."
  }
}

variable "ingress" {
  description = "From where it can be reached."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  nullable    = false

  validation {
    condition     = contains(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"], var.ingress)
    error_message = "ingress is INGRESS_TRAFFIC_ALL, _INTERNAL_ONLY or _INTERNAL_LOAD_BALANCER."
  }
}

variable "probe" {
  description = "Path that answers as long as the service lives; empty where only events are taken."
  type        = string
  default     = ""
  nullable    = false
}

variable "invokers" {
  description = "Who may call it, as members of policies."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):", member))])
    error_message = "Callers are named: allUsers and allAuthenticatedUsers may never call."
  }
}

variable "audiences" {
  description = "Other audiences that a caller's identity token may be for, such as https://HOST."
  type        = list(string)
  default     = []
  nullable    = false
}
