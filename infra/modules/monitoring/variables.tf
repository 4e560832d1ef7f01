variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "project_number" {
  description = "Its number, by which budgets know it."
  type        = string
}

variable "name" {
  description = "What the dashboard, the alerts and the budget are called."
  type        = string
}

variable "services" {
  description = "Names of the services that are watched."
  type        = set(string)
}

variable "predict" {
  description = "Name of the service whose speed is watched."
  type        = string
}

variable "jobs" {
  description = "Names of the jobs that are watched."
  type        = set(string)
}

variable "subscriptions" {
  description = "Names of the subscriptions that deliver events."
  type        = set(string)
}

variable "dead_letters" {
  description = "Names of the subscriptions that keep dead letters."
  type        = set(string)
}

variable "emails" {
  description = "Who is told."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "Who is told has an e-mail address."
  }

  validation {
    condition     = var.billing_account == "" || length(var.emails) <= 5
    error_message = "A budget tells at most 5 addresses; give a group's, or leave billing_account empty."
  }
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

  validation {
    condition     = var.error_share > 0 && var.error_share < 1
    error_message = "A share lies between 0 and 1."
  }
}

variable "p95_milliseconds" {
  description = "How slow the 95th of 100 predictions may be."
  type        = number
  default     = 1000
  nullable    = false
}

variable "billing_account" {
  description = "Billing account of the budget; empty for no budget."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.billing_account == "" || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "A billing account is written 01AB23-45CD67-89EF01."
  }
}

variable "budget" {
  description = "Whole units of the billing account's currency in a month."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.budget >= 1 && floor(var.budget) == var.budget
    error_message = "A budget is at least 1, and whole."
  }
}

variable "labels" {
  description = "Labels, for searches."
  type        = map(string)
  default     = {}
  nullable    = false
}
