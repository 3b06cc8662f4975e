data "alicloud_live_edge_transcode_templates" "h265" {
  cluster_id  = "cluster-1"
  video_codec = "H.265"
}

output "h265_templates" {
  value = data.alicloud_live_edge_transcode_templates.h265.templates[*].template_id
}
