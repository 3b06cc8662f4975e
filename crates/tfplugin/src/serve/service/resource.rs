//! The life of a managed resource.

use super::call::{unsupported, with_reason};
use crate::generated::tfplugin6::{
    apply_resource_change, generate_resource_config, import_resource_state, move_resource_state,
    plan_resource_change, read_resource, upgrade_resource_state, validate_resource_config,
};
use crate::serve::convert::{from_wire, to_wire};
use crate::{
    Change, Diagnostic, Diagnostics, DynResource, MoveSource, ProviderDefinition,
    ResourceInstanceObject,
};

pub(super) fn find<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
) -> Result<&'a dyn DynResource, Diagnostic> {
    definition
        .resources
        .get(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| unsupported("resource type", name))
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_resource_config::Request,
) -> Result<validate_resource_config::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    resource.validate(&mut diagnostics, &config);
    Ok(validate_resource_config::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

pub(super) async fn upgrade(
    definition: &ProviderDefinition,
    request: upgrade_resource_state::Request,
) -> Result<upgrade_resource_state::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let state = from_wire::state(request.raw_state)?;
    let upgraded = resource.upgrade(&mut diagnostics, &state).await;
    Ok(upgrade_resource_state::Response {
        upgraded_state: with_reason(upgraded, &mut diagnostics).map(to_wire::value),
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

pub(super) async fn read(
    definition: &ProviderDefinition,
    request: read_resource::Request,
) -> Result<read_resource::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let held = ResourceInstanceObject {
        state: from_wire::value(request.current_state),
        private: request.private,
        identity: from_wire::identity(request.current_identity),
    };
    let read = resource.read(&mut diagnostics, &held).await;
    let mut response = read_resource::Response::default();
    if let Some(read) = with_reason(read, &mut diagnostics) {
        response.new_state = Some(to_wire::value(read.state));
        response.private = read.private;
        response.new_identity = read.identity.map(to_wire::identity);
    }
    response.diagnostics = to_wire::diagnostics(diagnostics);
    Ok(response)
}

pub(super) async fn plan(
    definition: &ProviderDefinition,
    request: plan_resource_change::Request,
) -> Result<plan_resource_change::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let change = Change {
        prior: from_wire::value(request.prior_state),
        target: from_wire::value(request.proposed_new_state),
        config: from_wire::value(request.config),
        // One of the two at most: a plan that core repeats before an apply has no object before it.
        private: if request.planned_private.is_empty() {
            request.prior_private
        } else {
            request.planned_private
        },
        keeps_planned_private: request
            .client_capabilities
            .is_some_and(|capabilities| capabilities.store_planned_private),
    };
    let planned = resource.plan(&mut diagnostics, &change).await;
    let mut response = plan_resource_change::Response::default();
    if let Some(planned) = with_reason(planned, &mut diagnostics) {
        response.planned_state = Some(to_wire::value(planned.held.state));
        response.planned_private = planned.held.private;
        response.planned_identity = planned.held.identity.map(to_wire::identity);
        response.requires_replace = planned
            .requires_replace
            .into_iter()
            .map(to_wire::path)
            .collect();
    }
    response.diagnostics = to_wire::diagnostics(diagnostics);
    Ok(response)
}

/// Makes the change. What is held then goes back whether it succeeded or not: core stores the object of a failed
/// create as tainted, and forgets private data and an identity that it does not get.
pub(super) async fn apply(
    definition: &ProviderDefinition,
    request: apply_resource_change::Request,
) -> Result<apply_resource_change::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let change = Change {
        prior: from_wire::value(request.prior_state),
        target: from_wire::value(request.planned_state),
        config: from_wire::value(request.config),
        private: request.planned_private,
        keeps_planned_private: false,
    };
    let held = resource.apply(&mut diagnostics, &change).await;
    Ok(apply_resource_change::Response {
        new_state: Some(to_wire::value(held.state)),
        private: held.private,
        new_identity: held.identity.map(to_wire::identity),
        diagnostics: to_wire::diagnostics(diagnostics),
        ..apply_resource_change::Response::default()
    })
}

/// The response of a change that was not even tried, or of whose outcome nothing is known.
pub(super) fn unchanged(
    request: &apply_resource_change::Request,
) -> apply_resource_change::Response {
    apply_resource_change::Response {
        new_state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        new_identity: request.planned_identity.clone(),
        ..apply_resource_change::Response::default()
    }
}

pub(super) async fn import(
    definition: &ProviderDefinition,
    request: import_resource_state::Request,
) -> Result<import_resource_state::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let imported = match from_wire::identity(request.identity) {
        Some(identity) => {
            resource
                .import_by_identity(&mut diagnostics, &identity)
                .await
        }
        None => resource.import(&mut diagnostics, request.id).await,
    };
    let imported = with_reason(imported, &mut diagnostics).map(|held| {
        import_resource_state::ImportedResource {
            type_name: request.type_name,
            state: Some(to_wire::value(held.state)),
            private: held.private,
            identity: held.identity.map(to_wire::identity),
        }
    });
    Ok(import_resource_state::Response {
        imported_resources: imported.into_iter().collect(),
        diagnostics: to_wire::diagnostics(diagnostics),
        ..import_resource_state::Response::default()
    })
}

/// Takes over an object from another resource type or provider. The private data of that one means nothing to us.
pub(super) fn move_state(
    definition: &ProviderDefinition,
    request: move_resource_state::Request,
) -> Result<move_resource_state::Response, Diagnostic> {
    let resource = find(definition, &request.target_type_name)?;
    let mut diagnostics = Diagnostics::default();
    let identity = from_wire::state(request.source_identity)?;
    let source = MoveSource {
        provider_address: request.source_provider_address,
        type_name: request.source_type_name,
        schema_version: request.source_schema_version,
        state: from_wire::state(request.source_state)?,
        identity: (!identity.is_null()).then_some(identity),
    };
    let taken = resource.move_state(&mut diagnostics, &source);
    let mut response = move_resource_state::Response::default();
    if let Some(held) = with_reason(taken, &mut diagnostics) {
        response.target_state = Some(to_wire::value(held.state));
        response.target_private = held.private;
        response.target_identity = held.identity.map(to_wire::identity);
    }
    response.diagnostics = to_wire::diagnostics(diagnostics);
    Ok(response)
}

/// The configuration that describes an object, for `-generate-config-out`.
pub(super) fn generate_config(
    definition: &ProviderDefinition,
    request: generate_resource_config::Request,
) -> Result<generate_resource_config::Response, Diagnostic> {
    let resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let state = from_wire::value(request.state);
    let config = resource.generate_config(&mut diagnostics, &state);
    Ok(generate_resource_config::Response {
        config: with_reason(config, &mut diagnostics).map(to_wire::value),
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}
