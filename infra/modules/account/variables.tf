variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the jobs are."
  type        = string
}

variable "name" {
  description = "Name of the account: 6 to 30 of a-z, 0-9 and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "An account's name has 6 to 30 of a-z, 0-9 and hyphens, and starts with a letter."
  }
}

variable "description" {
  description = "What acts as it, for people."
  type        = string
  default     = ""
  nullable    = false
}

variable "roles" {
  description = "Roles by resource: database, bucket/NAME, bucket/NAME/FOLDER, topic/NAME, job/NAME."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for resource in keys(var.roles) : contains(["database", "bucket", "topic", "job"], split("/", resource)[0])])
    error_message = "Roles are on database, bucket/NAME, bucket/NAME/FOLDER, topic/NAME or job/NAME."
  }

  validation {
    condition     = alltrue([for resource in keys(var.roles) : contains(keys(var.resources), resource)])
    error_message = "Each resource that roles names is in resources."
  }

  validation {
    condition     = alltrue(flatten([for roles in values(var.roles) : [for role in roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)]]))
    error_message = "Basic roles are never given."
  }
}

variable "resources" {
  description = "The names that stand behind each resource that roles may be on."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "deployers" {
  description = "Who may deploy what runs as this account. By a name of ours."
  type        = map(string)
  default     = {}
  nullable    = false
}
