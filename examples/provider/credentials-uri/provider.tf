terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

variable "credentials_uri" {
  description = "A URL that returns temporary credentials as JSON."
  type        = string
}

provider "alicloud" {
  credentials_uri = var.credentials_uri
  region          = "cn-shanghai"
}
