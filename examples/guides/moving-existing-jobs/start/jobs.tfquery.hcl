list "alicloud_live_edge_transcode_job" "all" {
  provider = alicloud-live
  limit    = 1000

  config {
    cluster_id = "cluster-1"
  }
}
