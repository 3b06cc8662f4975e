terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

# Keys are best given by the environment: ALICLOUD_ACCESS_KEY and ALICLOUD_SECRET_KEY.
provider "alicloud" {
  region = "cn-shanghai"
}
