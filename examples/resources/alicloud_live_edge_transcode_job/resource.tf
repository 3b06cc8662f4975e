variable "push_auth_key" {
  description = "Token that the push domain asks for, as in auth_key=…; keeps it out of plan output."
  type        = string
  sensitive   = true
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p?auth_key=${var.push_auth_key}"
  status        = "Running"

  timeouts {
    create = "10m"
  }
}
