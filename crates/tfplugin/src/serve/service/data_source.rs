//! Data sources: checked and read.

use super::call::{unsupported, with_reason};
use crate::generated::tfplugin6::{read_data_source, validate_data_resource_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostic, Diagnostics, DynDataSource, ProviderDefinition};

fn find<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
) -> Result<&'a dyn DynDataSource, Diagnostic> {
    definition
        .data_sources
        .get(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| unsupported("data source", name))
}

pub(super) async fn validate(
    definition: &ProviderDefinition,
    request: validate_data_resource_config::Request,
) -> Result<validate_data_resource_config::Response, Diagnostic> {
    let source = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    source.validate(&mut diagnostics, &config).await;
    Ok(validate_data_resource_config::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

pub(super) async fn read(
    definition: &ProviderDefinition,
    request: read_data_source::Request,
) -> Result<read_data_source::Response, Diagnostic> {
    let source = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    let read = source.read(&mut diagnostics, &config).await;
    Ok(read_data_source::Response {
        state: with_reason(read, &mut diagnostics).map(to_wire::value),
        diagnostics: to_wire::diagnostics(diagnostics),
        ..read_data_source::Response::default()
    })
}
