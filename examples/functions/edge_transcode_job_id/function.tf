# "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"
output "id" {
  value = provider::alicloud::edge_transcode_job_id("cluster-1", "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7")
}
