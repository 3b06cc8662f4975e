//! Data sources: checked and read.

use super::call::find;
use crate::generated::tfplugin6::{read_data_source, validate_data_resource_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostics, DynDataSource, ProviderDefinition};

fn source<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a dyn DynDataSource> {
    find(&definition.data_sources, "data source", name, diagnostics)
}

pub(super) async fn validate(
    definition: &ProviderDefinition,
    request: validate_data_resource_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<validate_data_resource_config::Response> {
    let source = source(definition, &request.type_name, diagnostics)?;
    let config = from_wire::value(request.config);
    source.validate(diagnostics, &config).await;
    Some(validate_data_resource_config::Response::default())
}

pub(super) async fn read(
    definition: &ProviderDefinition,
    request: read_data_source::Request,
    diagnostics: &mut Diagnostics,
) -> Option<read_data_source::Response> {
    let source = source(definition, &request.type_name, diagnostics)?;
    let config = from_wire::value(request.config);
    let read = source.read(diagnostics, &config).await?;
    Some(read_data_source::Response {
        state: Some(to_wire::value(read)),
        ..read_data_source::Response::default()
    })
}
