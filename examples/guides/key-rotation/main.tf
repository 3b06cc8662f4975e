terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "push_keys" {
  description = "The main and the backup key of the push domain. The domain accepts both."
  type        = object({ main = string, backup = string })
  sensitive   = true
}

variable "cameras" {
  description = "For each camera, which key signs its output URL, and when that URL expires."
  type        = map(object({ key = string, expires_at = string }))
}

resource "alicloud_live_edge_transcode_job" "camera" {
  for_each = var.cameras

  cluster_id   = "cluster-1"
  name         = each.key
  template_id  = "tpl-h264-720p"
  stream_input = "rtmp://pull.example.com/live/${each.key}"
  stream_output = provider::alicloud::live_auth_url(
    "rtmp://push.example.com/live/${each.key}-720p", var.push_keys[each.value.key], each.value.expires_at
  )
  status = "Running"
}
