//! What is on offer, by name and by schema.

use std::collections::BTreeMap;

use super::call::with_reason;
use crate::generated::tfplugin6::{
    self as wire, ServerCapabilities, get_functions, get_metadata, get_provider_schema,
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

/// All schemas, with the errors of those that could not be made.
pub(super) fn all(definition: &ProviderDefinition) -> get_provider_schema::Response {
    let mut problems = Diagnostics::default();
    let provider = definition.provider.schema(&mut problems);
    let provider = with_reason(provider, &mut problems).map(|schema| to_wire::schema(&schema));
    let resource_schemas = definition
        .resources
        .iter()
        .map(|(name, resource)| (name.clone(), to_wire::schema(&resource.schema())))
        .collect();
    let data_source_schemas = each(
        &definition.data_sources,
        &mut problems,
        |source, problems| Some(to_wire::schema(&source.schema(problems)?)),
    );
    let list_resource_schemas = definition
        .list_resources
        .iter()
        .map(|(name, list_resource)| (name.clone(), to_wire::schema(&list_resource.schema())));
    let action_schemas = definition.actions.iter().map(|(name, action)| {
        let schema = Some(to_wire::schema(&action.schema()));
        (name.clone(), wire::ActionSchema { schema })
    });
    let functions = each(
        &definition.functions,
        &mut problems,
        |function, problems| Some(to_wire::function(&function.schema(problems)?)),
    );
    get_provider_schema::Response {
        provider,
        resource_schemas,
        list_resource_schemas: list_resource_schemas.collect(),
        action_schemas: action_schemas.collect(),
        data_source_schemas,
        functions,
        diagnostics: to_wire::diagnostics(problems),
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

/// The functions alone. Terraform takes them from all schemas; `OpenTofu` asks for them.
pub(super) fn functions(all: &get_provider_schema::Response) -> get_functions::Response {
    get_functions::Response {
        functions: all.functions.clone(),
        diagnostics: all.diagnostics.clone(),
    }
}

/// The names alone, for servers that combine providers.
pub(super) fn metadata(definition: &ProviderDefinition) -> get_metadata::Response {
    use wire::get_metadata::{
        ActionMetadata, DataSourceMetadata, FunctionMetadata, ListResourceMetadata,
        ResourceMetadata,
    };
    let data_sources = definition.data_sources.keys().cloned();
    let resources = definition.resources.keys().cloned();
    let list_resources = definition.list_resources.keys().cloned();
    let actions = definition.actions.keys().cloned();
    let functions = definition.functions.keys().cloned();
    get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        data_sources: data_sources
            .map(|type_name| DataSourceMetadata { type_name })
            .collect(),
        resources: resources
            .map(|type_name| ResourceMetadata { type_name })
            .collect(),
        list_resources: list_resources
            .map(|type_name| ListResourceMetadata { type_name })
            .collect(),
        actions: actions
            .map(|type_name| ActionMetadata { type_name })
            .collect(),
        functions: functions.map(|name| FunctionMetadata { name }).collect(),
        ..get_metadata::Response::default()
    }
}
