# By the URL of the stream.
data "alicloud_live_stream_state" "output" {
  url = "rtmp://push.example.com/live/camera-1-720p"
}

# By its parts.
data "alicloud_live_stream_state" "input" {
  domain_name = "pull.example.com"
  app_name    = "live"
  stream_name = "camera-1"
}

output "on_air" {
  value = {
    input  = data.alicloud_live_stream_state.input.state
    output = data.alicloud_live_stream_state.output.state
  }
}
