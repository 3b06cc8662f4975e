terraform {
  required_version = ">= 1.14"

  required_providers {
    alicloud-live = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

provider "alicloud-live" {
  region = "cn-shanghai"
}
