//! Serves the provider to Terraform.

fn main() {}
