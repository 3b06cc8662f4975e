import {
  to = alicloud_live_edge_transcode_job.camera
  id = "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"
}
