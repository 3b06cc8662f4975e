terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

# A profile of the command line tool, as `aliyun configure --profile production` writes it.
provider "alicloud" {
  profile = "production"
}
