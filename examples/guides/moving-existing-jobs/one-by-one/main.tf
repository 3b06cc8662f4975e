terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "job_ids" {
  description = "The job of each camera."
  type        = map(string)
}

import {
  for_each = var.job_ids
  to       = alicloud_live_edge_transcode_job.camera[each.key]
  id       = "cluster-1:${each.value}"
}

resource "alicloud_live_edge_transcode_job" "camera" {
  for_each = var.job_ids

  cluster_id    = "cluster-1"
  name          = each.key
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/${each.key}"
  stream_output = "rtmp://push.example.com/live/${each.key}-720p"
}
