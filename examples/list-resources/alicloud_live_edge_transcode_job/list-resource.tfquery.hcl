# terraform query -generate-config-out=jobs.tf
list "alicloud_live_edge_transcode_job" "running" {
  provider = alicloud-live
  limit    = 1000

  config {
    cluster_id = "cluster-1"
    name_regex = "^camera-"
    status     = "Running"
  }
}
