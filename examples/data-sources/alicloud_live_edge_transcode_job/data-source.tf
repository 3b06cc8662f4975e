data "alicloud_live_edge_transcode_job" "camera" {
  cluster_id = "cluster-1"
  name       = "camera-1"
}

output "camera_id" {
  value = data.alicloud_live_edge_transcode_job.camera.id
}
