output "renditions" {
  description = "For each rendition: the job, where its stream goes, and what the template makes of it."
  value = {
    for rendition, job in alicloud_live_edge_transcode_job.rendition : rendition => {
      id            = job.id
      job_id        = job.job_id
      status        = job.status
      stream_output = job.stream_output
      codec         = data.alicloud_live_edge_transcode_template.rendition[rendition].codec
      resolution    = data.alicloud_live_edge_transcode_template.rendition[rendition].resolution
    }
  }
}
