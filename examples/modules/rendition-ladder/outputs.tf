output "renditions" {
  description = "For each rendition: the job, its output URL, and the codec and resolution of its template."
  value = {
    for rendition, job in alicloud_live_edge_transcode_job.rendition : rendition => {
      id            = job.id
      job_id        = job.job_id
      status        = job.status
      stream_output = job.stream_output
      codec         = data.alicloud_live_edge_transcode_template.rendition[job.template_id].codec
      resolution    = data.alicloud_live_edge_transcode_template.rendition[job.template_id].resolution
    }
  }
}
