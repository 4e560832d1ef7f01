variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the records are."
  type        = string
}

variable "name" {
  description = "Name of the database."
  type        = string

  validation {
    condition     = var.name == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "A database's name is (default), or 4 to 63 of a-z, 0-9 and hyphens."
  }
}

variable "indexes" {
  description = "What queries ask for by equality, and how they order it."
  type = list(object({
    collection = string
    equal      = string
    order_by   = string
    direction  = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for index in var.indexes : contains(["ASCENDING", "DESCENDING"], index.direction)])
    error_message = "A direction is ASCENDING or DESCENDING."
  }
}

variable "collections" {
  description = "Collections of documents that have a body's text and a token, which no query names."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "ttl" {
  description = "The field, a time, after which a document is deleted, by collection."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "backup_days" {
  description = "For how many days a daily backup is kept."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 98
    error_message = "Firestore keeps backups for 1 to 98 days (14 weeks)."
  }
}

variable "deletion_protection" {
  description = "Whether nobody can delete it before this is false."
  type        = bool
  default     = true
  nullable    = false
}
