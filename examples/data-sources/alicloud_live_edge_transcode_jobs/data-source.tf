data "alicloud_live_edge_transcode_jobs" "cameras" {
  cluster_id = "cluster-1"
  name_regex = "^camera-[0-9]+$"
  status     = "Running"
}

output "running" {
  value = data.alicloud_live_edge_transcode_jobs.cameras.names
}
