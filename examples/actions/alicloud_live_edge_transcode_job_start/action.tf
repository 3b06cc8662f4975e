# The job does not set status, so Terraform leaves its run state to this action and to people.
resource "alicloud_live_edge_transcode_job" "camera" {
  cluster_id    = "cluster-1"
  name          = "camera-1"
  template_id   = "tpl-h264-720p"
  stream_input  = "rtmp://pull.example.com/live/camera-1"
  stream_output = "rtmp://push.example.com/live/camera-1-720p"
}

# Starts each new job. The trigger is a resource of its own because, from Terraform 1.16 on, an action must not refer to
# the resource that triggers it.
resource "terraform_data" "on_air" {
  triggers_replace = alicloud_live_edge_transcode_job.camera.id

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.alicloud_live_edge_transcode_job_start.camera]
    }
  }
}

# Later: terraform apply -invoke=action.alicloud_live_edge_transcode_job_start.camera
action "alicloud_live_edge_transcode_job_start" "camera" {
  config {
    cluster_id = alicloud_live_edge_transcode_job.camera.cluster_id
    job_id     = alicloud_live_edge_transcode_job.camera.job_id
    timeout    = "10m"

    # Also wait until the output stream is on air.
    wait_until_online = true
  }
}
