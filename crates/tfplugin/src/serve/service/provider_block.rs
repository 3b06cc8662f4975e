//! The provider block: checked, taken into use, and told to stop.

use crate::generated::tfplugin6::{configure_provider, stop_provider, validate_provider_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostic, Diagnostics, ProviderDefinition};

pub(super) async fn validate(
    definition: &ProviderDefinition,
    request: validate_provider_config::Request,
) -> Result<validate_provider_config::Response, Diagnostic> {
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    definition
        .provider
        .validate(&mut diagnostics, &config)
        .await;
    Ok(validate_provider_config::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

pub(super) async fn configure(
    definition: &ProviderDefinition,
    request: configure_provider::Request,
) -> Result<configure_provider::Response, Diagnostic> {
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    definition
        .provider
        .configure(&mut diagnostics, request.terraform_version, &config)
        .await;
    Ok(configure_provider::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

/// Tells the running calls to stop and returns at once: core waits for their responses, not for this one.
pub(super) fn stop(definition: &ProviderDefinition) -> stop_provider::Response {
    definition.stop.stop();
    stop_provider::Response::default()
}
