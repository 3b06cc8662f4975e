terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "role_arn" {
  description = "Role of the pipeline: in a pull request one that can only read, after the merge one that can write."
  type        = string
}

# In the block and not in variables, which the backend would read, too.
provider "alicloud" {
  region = "cn-shanghai"

  assume_role_with_oidc {
    oidc_provider_arn = "acs:ram::1234567890123456:oidc-provider/github"
    role_arn          = var.role_arn
    oidc_token_file   = "/tmp/oidc-token"
    role_session_name = "ci"
  }
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
