terraform {
  required_version = ">= 1.14"

  required_providers {
    alicloud-live = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

provider "alicloud-live" {
  region = "cn-shanghai"
}
