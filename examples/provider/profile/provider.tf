terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

# A profile of Alibaba Cloud CLI, as `aliyun configure --profile production` writes it.
provider "alicloud" {
  profile = "production"
}
