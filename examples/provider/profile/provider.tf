terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

# A profile of Alibaba Cloud CLI, as `aliyun configure --profile production` writes it.
provider "alicloud" {
  profile = "production"
}
