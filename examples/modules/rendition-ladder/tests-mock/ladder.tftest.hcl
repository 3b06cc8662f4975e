# Against the mock API, through the real provider. `make build` in a checkout of the provider builds the mock into
# target/release.
#
#   alicloud-live-mock --listen 127.0.0.1:8080 &
#   export LIVE_ENDPOINT=http://127.0.0.1:8080
#   export ALICLOUD_ACCESS_KEY=mock-access-key-id ALICLOUD_SECRET_KEY=mock-access-key-secret
#   terraform test -test-directory=tests-mock

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

run "make" {
  assert {
    condition     = output.renditions["720p"].status == "Running" && output.renditions["1080p"].status == "Running"
    error_message = "Both jobs must run."
  }

  assert {
    condition     = output.renditions["1080p"].codec == "H.265" && output.renditions["1080p"].resolution == "1920*1080"
    error_message = "The outputs must tell what the template makes."
  }

  assert {
    condition     = alicloud_live_edge_transcode_job.rendition["720p"].type == "common"
    error_message = "The type comes from the template."
  }
}

run "add_a_rendition" {
  variables {
    # OpenTofu evaluates `run` only here, not in conditions, and knows only the run before this one.
    job_id_before = run.make.renditions["720p"].job_id

    renditions = {
      "720p"  = "tpl-h264-720p"
      "1080p" = "tpl-h265-1080p"
      "4k"    = "tpl-uhd-4k"
    }
  }

  assert {
    condition     = output.renditions["720p"].job_id == var.job_id_before
    error_message = "The other renditions must stay as they are."
  }

  assert {
    condition     = output.renditions["4k"].status == "Running"
    error_message = "The new job must run."
  }
}

run "stop" {
  variables {
    job_id_before = run.add_a_rendition.renditions["720p"].job_id
    running       = false
  }

  assert {
    condition     = alltrue([for rendition in output.renditions : rendition.status == "Stopped"])
    error_message = "All jobs must be stopped."
  }

  assert {
    condition     = output.renditions["720p"].job_id == var.job_id_before
    error_message = "A stopped job keeps its ID."
  }
}
