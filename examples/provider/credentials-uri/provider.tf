terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
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
