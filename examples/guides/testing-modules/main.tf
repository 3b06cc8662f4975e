terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "cameras" {
  description = "Names of the cameras."
  type        = set(string)
}

resource "alicloud_live_edge_transcode_job" "camera" {
  for_each = var.cameras

  cluster_id    = "cluster-1"
  name          = each.key
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/${each.key}"
  stream_output = "rtmp://push.example.com/live/${each.key}-720p"
  status        = "Running"
}

output "job_ids" {
  description = "The job of each camera."
  value       = { for camera, job in alicloud_live_edge_transcode_job.camera : camera => job.job_id }
}
