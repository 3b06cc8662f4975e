//! Serves the provider to Terraform.

use std::process::ExitCode;

use alicloud_auth::environment::Environment;
use terraform_provider_alicloud_live::definition;
use tfplugin::serve::{self, ProviderInfo};

const ABOUT: ProviderInfo = ProviderInfo {
    name: "alicloud-live",
    version: env!("CARGO_PKG_VERSION"),
    address: "registry.terraform.io/edge-transcode/alicloud-live",
    log_crates: &[
        "terraform_provider_alicloud_live",
        "alicloud_live",
        "alicloud_auth",
    ],
};

fn main() -> ExitCode {
    serve::main(&ABOUT, || definition(Environment::from_env()))
}
