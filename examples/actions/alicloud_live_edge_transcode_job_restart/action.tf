# On call: terraform apply -invoke=action.alicloud_live_edge_transcode_job_restart.camera
action "alicloud_live_edge_transcode_job_restart" "camera" {
  config {
    cluster_id = alicloud_live_edge_transcode_job.camera.cluster_id
    job_id     = alicloud_live_edge_transcode_job.camera.job_id
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

# When the settings of the encoder change, the job must read its input again.
resource "terraform_data" "encoder" {
  input = "2 Mbit/s"

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.alicloud_live_edge_transcode_job_restart.camera]
    }
  }
}
