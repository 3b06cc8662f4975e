variable "cluster_id" {
  description = "The edge cluster (data center) in which all renditions are made."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The stream's name. The job of each rendition is called <name>-<rendition>."
  type        = string
  nullable    = false

  validation {
    # The API allows 255 characters; what is left of them is for the rendition.
    condition     = can(regex("^[\\p{Han}A-Za-z0-9_-]{1,200}$", var.name))
    error_message = "The name may contain Chinese characters, letters, digits, \"-\" and \"_\", at most 200 of them."
  }
}

variable "stream_input" {
  description = "The URL of the stream to transcode, such as rtmp://pull.example.com/live/camera."
  type        = string
  nullable    = false
}

variable "output_prefix" {
  description = "Where the renditions go: rtmp://push.example.com/live gives rtmp://push.example.com/live/<name>-<rendition>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+://[^/?#]+/[^?#]*[^/?#]$", var.output_prefix))
    error_message = "The prefix must be a URL with scheme, host and application, without a slash at its end and without a query."
  }
}

variable "renditions" {
  description = "The template of each rendition, by the rendition's name, such as { \"720p\" = \"tpl-h264-720p\" }."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.renditions) > 0
    error_message = "A ladder needs at least one rendition."
  }

  validation {
    condition     = alltrue([for rendition in keys(var.renditions) : can(regex("^[A-Za-z0-9_-]{1,54}$", rendition))])
    error_message = "The name of a rendition may contain letters, digits, \"-\" and \"_\", at most 54 of them: it becomes part of the job's name and of its output URL."
  }

  validation {
    condition     = length(distinct(values(var.renditions))) == length(var.renditions)
    error_message = "Two renditions have the same template: one of them would be paid for nothing."
  }
}

variable "running" {
  description = "Whether the jobs run. They keep their IDs when they are stopped."
  type        = bool
  default     = true
  nullable    = false
}
