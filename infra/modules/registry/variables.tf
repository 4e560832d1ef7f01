variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the images are."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "keep_count" {
  description = "How many versions of each image are kept however old they are."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.keep_count >= 2
    error_message = "Keep two versions at least: a rollback needs the one before."
  }
}

variable "delete_after_days" {
  description = "After how many days the others are deleted."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.delete_after_days >= 1
    error_message = "Images are kept for a day at least."
  }
}

variable "readers" {
  description = "Who else pulls images, as members of policies: other environments' Cloud Run agents."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "Readers are named: allUsers and allAuthenticatedUsers may never read."
  }
}

variable "deployers" {
  description = "Who pushes images. By a name of ours."
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
