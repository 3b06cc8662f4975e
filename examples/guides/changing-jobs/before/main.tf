terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

resource "alicloud_live_edge_transcode_job" "camera" {
  count = 2

  cluster_id    = "cluster-1"
  name          = ["gate", "yard"][count.index]
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/${["gate", "yard"][count.index]}"
  stream_output = "rtmp://push.example.com/live/${["gate", "yard"][count.index]}-720p"
  status        = "Running"
}
