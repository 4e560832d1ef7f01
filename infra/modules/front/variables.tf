variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the services run."
  type        = string
}

variable "name" {
  description = "Name of the load balancer."
  type        = string
}

variable "host" {
  description = "Name of the host; its A record is to be the address in the outputs."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.host))
    error_message = "A host is written without scheme and port: api.example.com."
  }
}

variable "services" {
  description = "Names of the Cloud Run services, by the name of the deployable."
  type        = map(string)
}

variable "routes" {
  description = "Which deployable answers which path; {NAME} stands for one segment, {NAME}:VERB is a POST."
  type = list(object({
    path    = string
    service = string
  }))

  validation {
    condition     = alltrue([for route in var.routes : contains(keys(var.services), route.service)])
    error_message = "Each route leads to one of the services."
  }

  validation {
    condition     = alltrue([for route in var.routes : startswith(route.path, "/")])
    error_message = "Paths begin with a slash."
  }
}

variable "default" {
  description = "The deployable that answers every other path (with 404)."
  type        = string

  validation {
    condition     = contains(keys(var.services), var.default)
    error_message = "The default is one of the services."
  }
}

variable "log_share" {
  description = "Which share of requests the load balancer logs; each function logs all."
  type        = number
  default     = 0.1
  nullable    = false

  validation {
    condition     = var.log_share > 0 && var.log_share <= 1
    error_message = "A share lies above 0, and is at most 1."
  }
}

variable "labels" {
  description = "Labels, for bills and searches."
  type        = map(string)
  default     = {}
  nullable    = false
}
