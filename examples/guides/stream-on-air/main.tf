terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
  status        = "Running"
}

data "alicloud_live_stream_state" "output" {
  url = alicloud_live_edge_transcode_job.camera.stream_output

  # If the job is about to be changed, read the state after the change.
  depends_on = [alicloud_live_edge_transcode_job.camera]
}

check "camera_is_on_air" {
  assert {
    condition     = data.alicloud_live_stream_state.output.state != "offline"
    error_message = "The job of camera-1 is running, but its output stream is offline. Is the camera on?"
  }
}
