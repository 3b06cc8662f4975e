terraform {
  required_providers {
    alicloud = {
      source = "edge-transcode/alicloud-live"
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
