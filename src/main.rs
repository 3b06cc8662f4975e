//! Serves the provider to Terraform.

use std::process::ExitCode;

use alicloud_auth::environment::Environment;
use terraform_provider_alicloud_live::plugin::{self, About};
use terraform_provider_alicloud_live::provider;

const ABOUT: About = About {
    name: "alicloud-live",
    version: env!("CARGO_PKG_VERSION"),
    address: "registry.terraform.io/edge-transcode/alicloud-live",
};

fn main() -> ExitCode {
    plugin::main(&ABOUT, || provider::offering(Environment::of_process()))
}
