# The defaults are a cluster and a template that the mock API has. For the cloud, give your own:
# terraform apply -var cluster_id=... -var template_id=...

variable "cluster_id" {
  description = "The data center in which the job runs."
  type        = string
  default     = "cluster-1"
}

variable "template_id" {
  description = "The transcoding template of the output stream."
  type        = string
  default     = "tpl-h264-720p"
}
