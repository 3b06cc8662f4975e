terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

# Credentials come from the CI system: the guide on authentication shows how to use its identity token.
provider "alicloud" {
  region = "cn-shanghai"
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
  status        = "Running"

  deletion_protection = true
}
