data "alicloud_live_caller_identity" "current" {}

output "who_calls" {
  value = data.alicloud_live_caller_identity.current.arn
}

output "credentials_from" {
  value = data.alicloud_live_caller_identity.current.credentials_source
}
