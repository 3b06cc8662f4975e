# Against the mock API, through the real provider.
variables {
  cameras = ["gate", "yard"]
}

run "create" {
  assert {
    condition     = length(distinct(values(output.job_ids))) == 2
    error_message = "Each camera must have a job of its own."
  }
}

run "remove_a_camera" {
  variables {
    # OpenTofu evaluates `run` only here, not in conditions.
    job_ids_before = run.create.job_ids

    cameras = ["yard"]
  }

  assert {
    condition     = output.job_ids == { yard = var.job_ids_before["yard"] }
    error_message = "The other job must stay as it is."
  }
}
