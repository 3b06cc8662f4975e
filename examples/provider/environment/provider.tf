terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

# Set ALICLOUD_ACCESS_KEY, ALICLOUD_SECRET_KEY and, for temporary credentials, ALICLOUD_SECURITY_TOKEN in the environment.
provider "alicloud" {
  region = "cn-shanghai"
}
