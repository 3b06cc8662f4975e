//! What tells the objects of a resource type apart. Terraform asks from 1.12 on.

use super::resource::resource;
use crate::generated::tfplugin6::{get_resource_identity_schemas, upgrade_resource_identity};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostics, ProviderDefinition};

pub(super) fn schemas(definition: &ProviderDefinition) -> get_resource_identity_schemas::Response {
    let schemas = definition
        .resources
        .iter()
        .map(|(name, resource)| (name, resource.identity_schema()))
        .filter(|(_, schema)| !schema.attributes.is_empty())
        .map(|(name, schema)| (name.clone(), to_wire::identity_schema(&schema)));
    get_resource_identity_schemas::Response {
        identity_schemas: schemas.collect(),
        diagnostics: Vec::new(),
    }
}

pub(super) fn upgrade(
    definition: &ProviderDefinition,
    request: upgrade_resource_identity::Request,
    diagnostics: &mut Diagnostics,
) -> Option<upgrade_resource_identity::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    // Core asks for objects that have no identity, too.
    let identity = from_wire::state(request.raw_identity, diagnostics)?;
    let upgraded = resource.upgrade_identity(&identity);
    Some(upgrade_resource_identity::Response {
        upgraded_identity: (!upgraded.is_null()).then(|| to_wire::identity(upgraded)),
        ..upgrade_resource_identity::Response::default()
    })
}
