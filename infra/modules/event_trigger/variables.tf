variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "project_number" {
  description = "Its number, by which Pub/Sub's service agent is known."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "A project's number has only digits: gcloud projects describe ID --format='value(projectNumber)'."
  }
}

variable "region" {
  description = "Where the service runs."
  type        = string
}

variable "name" {
  description = "Name of the subscription, and of the account that it pushes as: 6 to 30 of a-z, 0-9 and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "An account's name has 6 to 30 of a-z, 0-9 and hyphens, and starts with a letter."
  }
}

variable "topic" {
  description = "Name of the topic."
  type        = string
}

variable "dead_letters" {
  description = "Name of the topic that gets what is given up."
  type        = string

  validation {
    condition     = var.dead_letters != "" && var.dead_letters != var.topic
    error_message = "Dead letters have a topic of their own."
  }
}

variable "service_name" {
  description = "Name of the service that takes the events."
  type        = string
}

variable "service_uri" {
  description = "Where it answers."
  type        = string
}

variable "ack_deadline_seconds" {
  description = "After how long without an answer an event is delivered again."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600
    error_message = "Pub/Sub waits 10 to 600 seconds for an answer."
  }
}

variable "max_delivery_attempts" {
  description = "After how many deliveries an event is given up."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "Pub/Sub gives up after 5 to 100 deliveries."
  }
}

variable "minimum_backoff_seconds" {
  description = "The first pause before an event is delivered again."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.minimum_backoff_seconds >= 1 && var.minimum_backoff_seconds <= 600
    error_message = "Pub/Sub pauses for at most 600 seconds."
  }
}

variable "maximum_backoff_seconds" {
  description = "The longest pause."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.maximum_backoff_seconds >= var.minimum_backoff_seconds && var.maximum_backoff_seconds <= 600
    error_message = "The longest pause is no shorter than the first, and at most 600 seconds."
  }
}

variable "deployers" {
  description = "Who may set up pushes as this account. By a name of ours."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "labels" {
  description = "Labels, for bills and searches."
  type        = map(string)
  default     = {}
  nullable    = false
}
