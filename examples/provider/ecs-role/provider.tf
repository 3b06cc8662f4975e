terraform {
  required_providers {
    alicloud = {
      source  = "edge-transcode/alicloud-live"
      version = "0.1.0-beta.1"
    }
  }
}

variable "role_name" {
  description = "The RAM role of the ECS instance on which Terraform runs."
  type        = string
}

provider "alicloud" {
  ecs_role_name = var.role_name
  region        = "cn-shanghai"
}
