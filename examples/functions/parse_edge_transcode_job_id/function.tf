# { cluster_id = "cluster-1", job_id = "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7" }
output "parts" {
  value = provider::alicloud::parse_edge_transcode_job_id("cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7")
}
