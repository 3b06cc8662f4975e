variable "push_key" {
  description = "Main or backup key of the push domain."
  type        = string
  sensitive   = true
}

variable "push_url_ends" {
  description = "When the signed push URL expires, such as 2030-01-01T00:00:00Z."
  type        = string
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id   = "cluster-1"
  name         = "camera-1"
  template_id  = "tpl-h264-720p"
  stream_input = "rtmp://pull.example.com/app/stream1"
  stream_output = provider::alicloud::live_auth_url(
    "rtmp://push.example.com/app/stream2", var.push_key, var.push_url_ends
  )
}
