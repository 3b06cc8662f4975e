# Needs no network, no account and no running mock: `terraform test` (Terraform 1.7 or later).
# The provider's schema, validation and functions are real; what the API would answer is made up by Terraform.

mock_provider "alicloud" {
  # What the API would say of any template.
  mock_data "alicloud_live_edge_transcode_template" {
    defaults = {
      codec      = "H.264"
      resolution = "1280*720"
    }
  }
}

variables {
  cluster_id    = "cluster-1"
  name          = "camera"
  stream_input  = "rtmp://pull.example.com/live/camera"
  output_prefix = "rtmp://push.example.com/live"
  renditions = {
    "720p"  = "tpl-h264-720p"
    "1080p" = "tpl-h265-1080p"
  }
}

run "each_rendition_is_a_job_with_its_own_output" {
  command = plan

  assert {
    condition     = toset(keys(alicloud_live_edge_transcode_job.rendition)) == toset(["720p", "1080p"])
    error_message = "There must be one job for each rendition."
  }

  assert {
    condition     = alicloud_live_edge_transcode_job.rendition["1080p"].stream_output == "rtmp://push.example.com/live/camera-1080p"
    error_message = "The output URL must be the prefix, the name and the rendition."
  }

  assert {
    condition     = alltrue([for job in alicloud_live_edge_transcode_job.rendition : job.status == "Running"])
    error_message = "Jobs run unless told otherwise."
  }
}

run "a_ladder_can_stand_still" {
  command = plan

  variables {
    running = false
  }

  assert {
    condition     = alltrue([for job in alicloud_live_edge_transcode_job.rendition : job.status == "Stopped"])
    error_message = "All jobs must be stopped."
  }
}

run "a_ladder_without_renditions_is_refused" {
  command = plan

  variables {
    renditions = {}
  }

  expect_failures = [var.renditions]
}

run "a_template_may_not_be_used_twice" {
  command = plan

  variables {
    renditions = { a = "tpl-h264-720p", b = "tpl-h264-720p" }
  }

  expect_failures = [var.renditions]
}

run "a_name_that_the_api_would_refuse_is_refused" {
  command = plan

  variables {
    name = "no spaces"
  }

  expect_failures = [var.name]
}

run "a_prefix_must_be_a_url" {
  command = plan

  variables {
    output_prefix = "push.example.com/live/"
  }

  expect_failures = [var.output_prefix]
}
