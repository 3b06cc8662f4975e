# What each template makes. A plan reads a template once, however many ladders and jobs use it.
data "alicloud_live_edge_transcode_template" "rendition" {
  for_each = toset(values(var.renditions))

  cluster_id  = var.cluster_id
  template_id = each.value
}

resource "alicloud_live_edge_transcode_job" "rendition" {
  for_each = var.renditions

  cluster_id    = var.cluster_id
  name          = "${var.name}-${each.key}"
  template_id   = data.alicloud_live_edge_transcode_template.rendition[each.value].template_id
  stream_input  = var.stream_input
  stream_output = "${var.output_prefix}/${var.name}-${each.key}"
  status        = var.running ? "Running" : "Stopped"
}
