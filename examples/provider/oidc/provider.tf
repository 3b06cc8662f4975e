terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "oidc_provider_arn" {
  description = "Such as acs:ram::1234567890123456:oidc-provider/ci."
  type        = string
}

variable "role_arn" {
  type = string
}

variable "oidc_token_file" {
  description = "Where the CI system or the cluster puts the token."
  type        = string
}

# In a pod of a Kubernetes cluster with RRSA the variables ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN and
# ALIBABA_CLOUD_OIDC_TOKEN_FILE are set, and the block can be left out.
provider "alicloud" {
  region = "cn-shanghai"

  assume_role_with_oidc {
    oidc_provider_arn = var.oidc_provider_arn
    role_arn          = var.role_arn
    oidc_token_file   = var.oidc_token_file
    role_session_name = "ci"
  }
}
