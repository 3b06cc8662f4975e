//! What is on offer, by name and by schema.

use std::collections::BTreeMap;

use super::call::with_reason;
use crate::generated::tfplugin6::{
    self as wire, ServerCapabilities, get_metadata, get_provider_schema,
};
use crate::serve::convert::to_wire;
use crate::{Diagnostics, ProviderDefinition};

/// What core may ask of us. Providers of the same version have the same schema, so core need not ask again; and we
/// want to see a destroy in the plan, to warn of what it interrupts.
const CAPABILITIES: ServerCapabilities = ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

/// All schemas but those that could not be made, which are errors.
pub(super) fn all(
    definition: &ProviderDefinition,
    problems: &mut Diagnostics,
) -> get_provider_schema::Response {
    let provider = definition.provider.schema(problems);
    get_provider_schema::Response {
        provider: with_reason(provider, problems).map(|schema| to_wire::schema(&schema)),
        resource_schemas: each(&definition.resources, problems, |resource, _| {
            Some(to_wire::schema(&resource.schema()))
        }),
        list_resource_schemas: each(&definition.list_resources, problems, |list, _| {
            Some(to_wire::schema(&list.schema()))
        }),
        action_schemas: each(&definition.actions, problems, |action, _| {
            let schema = Some(to_wire::schema(&action.schema()));
            Some(wire::ActionSchema { schema })
        }),
        data_source_schemas: each(&definition.data_sources, problems, |source, problems| {
            Some(to_wire::schema(&source.schema(problems)?))
        }),
        functions: each(&definition.functions, problems, |function, problems| {
            Some(to_wire::function(&function.schema(problems)?))
        }),
        server_capabilities: Some(CAPABILITIES),
        ..get_provider_schema::Response::default()
    }
}

fn each<T, S>(
    offered: &BTreeMap<String, T>,
    problems: &mut Diagnostics,
    schema: impl Fn(&T, &mut Diagnostics) -> Option<S>,
) -> BTreeMap<String, S> {
    offered
        .iter()
        .filter_map(|(name, each)| {
            let schema = schema(each, problems);
            Some((name.clone(), with_reason(schema, problems)?))
        })
        .collect()
}

/// The names alone, for servers that combine providers.
pub(super) fn metadata(definition: &ProviderDefinition) -> get_metadata::Response {
    use wire::get_metadata::{
        ActionMetadata, DataSourceMetadata, FunctionMetadata, ListResourceMetadata,
        ResourceMetadata,
    };
    fn names<T, M>(offered: &BTreeMap<String, T>, metadata: fn(String) -> M) -> Vec<M> {
        offered.keys().cloned().map(metadata).collect()
    }
    get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        data_sources: names(&definition.data_sources, |type_name| DataSourceMetadata {
            type_name,
        }),
        resources: names(&definition.resources, |type_name| ResourceMetadata {
            type_name,
        }),
        list_resources: names(&definition.list_resources, |type_name| {
            ListResourceMetadata { type_name }
        }),
        actions: names(&definition.actions, |type_name| ActionMetadata {
            type_name,
        }),
        functions: names(&definition.functions, |name| FunctionMetadata { name }),
        ..get_metadata::Response::default()
    }
}
