variable "push_key" {
  description = "Main or backup key of the push domain."
  type        = string
  sensitive   = true
}

variable "push_url_ends" {
  description = "When the signed push URL expires, in Unix seconds."
  type        = number
}

locals {
  push_path = "/app/stream2"
  push_hash = md5("${local.push_path}-${var.push_url_ends}-0-0-${var.push_key}")
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/app/stream1"
  stream_output = "rtmp://push.example.com${local.push_path}?auth_key=${var.push_url_ends}-0-0-${local.push_hash}"
}
