data "alicloud_live_edge_transcode_template" "hd" {
  cluster_id  = "cluster-1"
  template_id = "tpl-h264-720p"
}

output "codec" {
  value = data.alicloud_live_edge_transcode_template.hd.codec
}
