terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "on_air" {
  description = "Whether the output stream is to be on air."
  type        = bool
  default     = true
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
  status        = var.on_air ? "Running" : "Stopped"

  timeouts {
    create = "10m"
    update = "10m"
  }
}

output "camera" {
  value = {
    id            = alicloud_live_edge_transcode_job.camera.id
    status        = alicloud_live_edge_transcode_job.camera.status
    last_start_at = alicloud_live_edge_transcode_job.camera.last_start_at
  }
}
