output "job_id" {
  description = "The ID that ApsaraVideo Live assigned to the job."
  value       = alicloud_live_edge_transcode_job.camera.job_id
}
