data "alicloud_live_edge_transcode_jobs" "cameras" {
  cluster_id = "cluster-1"
  name_regex = "^camera-[0-9]+$"
  status     = "Running"
}

output "running" {
  value = data.alicloud_live_edge_transcode_jobs.cameras.names
}

# Stream URLs can contain keys. They are apart from the jobs, by the jobs' ids, and sensitive.
output "output_urls" {
  value     = { for id, urls in data.alicloud_live_edge_transcode_jobs.cameras.stream_urls : id => urls.stream_output }
  sensitive = true
}
