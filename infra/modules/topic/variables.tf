variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "The one region where messages are kept."
  type        = string
}

variable "name" {
  description = "Name of the topic; its dead letters are NAME-dead-letters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,200}$", var.name)) && !startswith(var.name, "goog")
    error_message = "A topic's name has 3 to 201 of a-z, 0-9 and hyphens, and does not start with goog."
  }
}

variable "publishers" {
  description = "Who publishes besides the deployables, by a name of ours, as members of policies."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in values(var.publishers) : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "Publishers are named: allUsers and allAuthenticatedUsers may never publish."
  }
}

variable "retention_days" {
  description = "For how many days messages can be delivered again."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 31
    error_message = "Pub/Sub keeps messages of a topic for 1 to 31 days."
  }
}

variable "labels" {
  description = "Labels, for bills and searches."
  type        = map(string)
  default     = {}
  nullable    = false
}
