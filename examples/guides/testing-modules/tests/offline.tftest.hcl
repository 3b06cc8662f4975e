# Needs neither a network nor an account: Terraform 1.7 or later makes up what the API would return.
mock_provider "alicloud" {}

variables {
  cameras = ["gate", "yard"]
}

run "each_camera_has_a_running_job" {
  assert {
    condition     = toset(keys(output.job_ids)) == toset(["gate", "yard"])
    error_message = "There must be one job for each camera."
  }

  assert {
    condition     = alltrue([for job in alicloud_live_edge_transcode_job.camera : job.status == "Running"])
    error_message = "Every job must run."
  }
}
