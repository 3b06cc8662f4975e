variable "push_key" {
  description = "Main or backup key of the push domain."
  type        = string
  sensitive   = true
}

locals {
  push_url = "rtmp://push.example.com/app/stream2"
}

output "push_url" {
  value     = provider::alicloud::live_auth_url(local.push_url, var.push_key, "2030-01-01T00:00:00Z")
  sensitive = true
}

output "push_url_with_rand" {
  value = provider::alicloud::live_auth_url(
    local.push_url, var.push_key, 1893456000, "477b3bbc253f467b8def6711128c7bec"
  )
  sensitive = true
}
