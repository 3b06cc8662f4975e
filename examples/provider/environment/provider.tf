terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

# ALICLOUD_ACCESS_KEY, ALICLOUD_SECRET_KEY and, for temporary keys, ALICLOUD_SECURITY_TOKEN stand in the environment.
provider "alicloud" {
  region = "cn-shanghai"
}
