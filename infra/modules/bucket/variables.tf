variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the objects are."
  type        = string
}

variable "name" {
  description = "Name of the bucket; no other in the world has it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 of a-z, 0-9 and hyphens."
  }
}

variable "versioning" {
  description = "Whether what is overwritten or deleted is kept as an older version."
  type        = bool
  default     = false
  nullable    = false
}

variable "soft_delete_days" {
  description = "For how many days what was deleted can be brought back."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "Cloud Storage keeps what is deleted for 7 to 90 days, or with 0 not at all."
  }
}

variable "expire_days" {
  description = "Days after which objects are deleted, by the prefix of their names."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for prefix, days in var.expire_days : endswith(prefix, "/") && days >= 1])
    error_message = "Only whole folders expire (their prefix ends with a slash), after a day at least."
  }
}

variable "noncurrent_days" {
  description = "Days after which older versions are deleted, by the prefix of their names; an empty one is all."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for days in values(var.noncurrent_days) : days >= 1])
    error_message = "Older versions are kept for a day at least."
  }
}

variable "topics" {
  description = "Names of the topics that are told of each object that arrives, by a name of ours."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "force_destroy" {
  description = "Whether Terraform deletes the bucket with what is in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "labels" {
  description = "Labels, for bills and searches."
  type        = map(string)
  default     = {}
  nullable    = false
}
