# When the event is over: terraform apply -invoke=action.alicloud_live_edge_transcode_job_stop.camera
action "alicloud_live_edge_transcode_job_stop" "camera" {
  config {
    cluster_id = alicloud_live_edge_transcode_job.camera.cluster_id
    job_id     = alicloud_live_edge_transcode_job.camera.job_id
  }
}

# The job's configuration does not set status, so starting and stopping it is no drift.
resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
}
