terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "role_arn" {
  description = "Such as acs:ram::1234567890123456:role/live-operator."
  type        = string
}

# Credentials from the environment, a profile or any other source assume the role.
provider "alicloud" {
  region = "cn-shanghai"

  assume_role {
    role_arn           = var.role_arn
    session_name       = "terraform"
    session_expiration = 3600
  }
}
