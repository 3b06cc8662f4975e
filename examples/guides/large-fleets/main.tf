terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "cameras" {
  description = "The cameras of each site."
  type        = map(list(string))
  default = {
    north = ["gate", "yard"]
    south = ["gate", "hall"]
  }
}

# The quota belongs to the account: leave some of it to the console and to other tools.
provider "alicloud" {
  max_requests_per_minute      = 4800
  max_concurrent_interruptions = 2
}

# One block for each site rather than one for all.
resource "alicloud_live_edge_transcode_job" "north" {
  for_each = toset(var.cameras["north"])

  cluster_id    = "cluster-1"
  name          = "north-${each.key}"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/north/${each.key}"
  stream_output = "rtmp://push.example.com/north/${each.key}-720p"
  status        = "Running"
}

resource "alicloud_live_edge_transcode_job" "south" {
  for_each = toset(var.cameras["south"])

  cluster_id    = "cluster-1"
  name          = "south-${each.key}"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/south/${each.key}"
  stream_output = "rtmp://push.example.com/south/${each.key}-720p"
  status        = "Running"
}
