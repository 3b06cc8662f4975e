terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

variable "credentials_uri" {
  description = "A URL that gives temporary keys as JSON."
  type        = string
}

provider "alicloud" {
  credentials_uri = var.credentials_uri
  region          = "cn-shanghai"
}
