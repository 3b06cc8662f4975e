terraform {
  required_providers {
    alicloud = {
      source = "aliyun/alicloud"
    }
    alicloud-live = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

# Both understand the same arguments and variables, so they can share them.
provider "alicloud" {
  region = "cn-shanghai"
}

provider "alicloud-live" {
  region = "cn-shanghai"
}

resource "alicloud_live_edge_transcode_job" "camera" {
  provider = alicloud-live

  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
}
