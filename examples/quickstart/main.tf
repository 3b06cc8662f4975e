# The smallest useful configuration: one edge transcode job, started.
#
# Access keys and, if wished, another endpoint come from the environment:
#
#   export ALICLOUD_ACCESS_KEY=...
#   export ALICLOUD_SECRET_KEY=...
#   export LIVE_ENDPOINT=...        # only to use another endpoint than the cloud's own, such as the mock's

terraform {
  required_version = ">= 1.6"

  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

provider "alicloud" {}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = var.cluster_id
  template_id   = var.template_id
  name          = "camera-1"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
  status        = "Running"
}

data "alicloud_live_stream_state" "output" {
  url        = alicloud_live_edge_transcode_job.camera.stream_output
  depends_on = [alicloud_live_edge_transcode_job.camera]
}

# A warning in every plan and apply, as long as the job is running and its stream is not on air.
check "camera_is_on_air" {
  assert {
    condition     = data.alicloud_live_stream_state.output.state != "offline"
    error_message = "The job is running, but its output stream is offline: is the camera on?"
  }
}
