//! The provider block: checked and taken into use; and the end of all running calls.

use crate::generated::tfplugin6::{configure_provider, stop_provider, validate_provider_config};
use crate::serve::convert::from_wire;
use crate::{Diagnostics, ProviderDefinition};

pub(super) async fn validate(
    definition: &ProviderDefinition,
    request: validate_provider_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<validate_provider_config::Response> {
    let config = from_wire::value(request.config);
    definition.provider.validate(diagnostics, &config).await;
    Some(validate_provider_config::Response::default())
}

pub(super) async fn configure(
    definition: &ProviderDefinition,
    request: configure_provider::Request,
    diagnostics: &mut Diagnostics,
) -> Option<configure_provider::Response> {
    let config = from_wire::value(request.config);
    let provider = &definition.provider;
    provider
        .configure(diagnostics, request.terraform_version, &config)
        .await;
    Some(configure_provider::Response::default())
}

/// Tells the running calls to stop and returns at once: core waits for their responses, not for this one.
pub(super) fn stop(definition: &ProviderDefinition) -> stop_provider::Response {
    definition.stop.stop();
    stop_provider::Response::default()
}
