terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
    }
  }
}

# ACS3-HMAC-SHA256 in place of RPC signature 1.0, for accounts whose policy asks for it.
provider "alicloud" {
  region = "cn-shanghai"

  sign_version {
    live = "v3"
  }
}
