terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
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
