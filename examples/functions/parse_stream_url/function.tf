output "url" {
  value = provider::alicloud::parse_stream_url("rtmp://push.example.com:1935/live/camera-1")
}
