terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

provider "alicloud" {
  max_concurrent_interruptions = 1
}

resource "alicloud_live_edge_transcode_job" "entrance" {
  for_each = toset(["gate", "yard"])

  cluster_id    = "cluster-1"
  name          = each.key
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/${each.key}"
  stream_output = "rtmp://push.example.com/live/${each.key}-720p"
  status        = "Running"

  allow_stopping_for_update = false
  deletion_protection       = true
}

moved {
  from = alicloud_live_edge_transcode_job.camera[0]
  to   = alicloud_live_edge_transcode_job.entrance["gate"]
}

moved {
  from = alicloud_live_edge_transcode_job.camera[1]
  to   = alicloud_live_edge_transcode_job.entrance["yard"]
}
