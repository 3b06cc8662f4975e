//! The life of a managed resource.

use super::call::find;
use crate::generated::tfplugin6::{
    apply_resource_change, generate_resource_config, import_resource_state, move_resource_state,
    plan_resource_change, read_resource, upgrade_resource_state, validate_resource_config,
};
use crate::serve::convert::{from_wire, to_wire};
use crate::{
    Change, Diagnostics, DynResource, MoveSource, ProviderDefinition, ResourceInstanceObject,
};

pub(super) fn resource<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a dyn DynResource> {
    find(&definition.resources, "resource type", name, diagnostics)
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_resource_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<validate_resource_config::Response> {
    let config = from_wire::value(request.config);
    resource(definition, &request.type_name, diagnostics)?.validate(diagnostics, &config);
    Some(validate_resource_config::Response::default())
}

pub(super) async fn upgrade(
    definition: &ProviderDefinition,
    request: upgrade_resource_state::Request,
    diagnostics: &mut Diagnostics,
) -> Option<upgrade_resource_state::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let state = from_wire::state(request.raw_state, diagnostics)?;
    let upgraded = resource.upgrade(diagnostics, &state).await?;
    Some(upgrade_resource_state::Response {
        upgraded_state: Some(to_wire::value(upgraded)),
        ..upgrade_resource_state::Response::default()
    })
}

pub(super) async fn read(
    definition: &ProviderDefinition,
    request: read_resource::Request,
    diagnostics: &mut Diagnostics,
) -> Option<read_resource::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let object = ResourceInstanceObject {
        state: from_wire::value(request.current_state),
        private: request.private,
        identity: from_wire::identity(request.current_identity),
    };
    let read = resource.read(diagnostics, &object).await?;
    Some(read_resource::Response {
        new_state: Some(to_wire::value(read.state)),
        private: read.private,
        new_identity: read.identity.map(to_wire::identity),
        ..read_resource::Response::default()
    })
}

pub(super) async fn plan(
    definition: &ProviderDefinition,
    request: plan_resource_change::Request,
    diagnostics: &mut Diagnostics,
) -> Option<plan_resource_change::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let is_repeated = is_repeated(&request);
    let change = Change {
        prior: from_wire::value(request.prior_state),
        target: from_wire::value(request.proposed_new_state),
        config: from_wire::value(request.config),
        // What the plan before the apply has passed on says more than what is stored.
        private: if request.planned_private.is_empty() {
            request.prior_private
        } else {
            request.planned_private
        },
        is_repeated,
    };
    let planned = resource.plan(diagnostics, &change).await?;
    let requires_replace = planned.requires_replace.into_iter().map(to_wire::path);
    Some(plan_resource_change::Response {
        planned_state: Some(to_wire::value(planned.object.state)),
        planned_private: planned.object.private,
        planned_identity: planned.object.identity.map(to_wire::identity),
        requires_replace: requires_replace.collect(),
        ..plan_resource_change::Response::default()
    })
}

/// Whether core says that it repeats a plan before the apply. It hands over what the first one has passed on (Terraform 1.16 and
/// later), or it allows deferrals, without making use of them, which Terraform does from 1.9 on in every apply
/// (<https://github.com/hashicorp/terraform/blob/v1.16.0-rc2/internal/terraform/context_apply.go>), and some hosts do in plans,
/// too: OpenTofu 1.11.0 to 1.11.3, HCP Stacks. There the second plan of a replacement has what the first one has passed on.
fn is_repeated(request: &plan_resource_change::Request) -> bool {
    let capabilities = request.client_capabilities.as_ref();
    let allows_deferrals = capabilities.is_some_and(|allowed| allowed.deferral_allowed);
    !request.planned_private.is_empty() || (allows_deferrals && request.prior_private.is_empty())
}

/// Makes the change. The object then goes back whether it succeeded or not: core stores the object of a failed
/// create as tainted, and forgets private data and an identity that it does not get.
pub(super) async fn apply(
    definition: &ProviderDefinition,
    request: apply_resource_change::Request,
    diagnostics: &mut Diagnostics,
) -> Option<apply_resource_change::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let change = Change {
        prior: from_wire::value(request.prior_state),
        target: from_wire::value(request.planned_state),
        config: from_wire::value(request.config),
        private: request.planned_private,
        is_repeated: false,
    };
    let object = resource.apply(diagnostics, &change).await;
    Some(apply_resource_change::Response {
        new_state: Some(to_wire::value(object.state)),
        private: object.private,
        new_identity: object.identity.map(to_wire::identity),
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
    diagnostics: &mut Diagnostics,
) -> Option<import_resource_state::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let object = match from_wire::identity(request.identity) {
        Some(identity) => resource.import_by_identity(diagnostics, &identity).await?,
        None => resource.import(diagnostics, request.id).await?,
    };
    let imported = import_resource_state::ImportedResource {
        type_name: request.type_name,
        state: Some(to_wire::value(object.state)),
        private: object.private,
        identity: object.identity.map(to_wire::identity),
    };
    Some(import_resource_state::Response {
        imported_resources: vec![imported],
        ..import_resource_state::Response::default()
    })
}

/// Moves an object here from another resource type or provider. The private data of that one means nothing to us.
pub(super) fn move_state(
    definition: &ProviderDefinition,
    request: move_resource_state::Request,
    diagnostics: &mut Diagnostics,
) -> Option<move_resource_state::Response> {
    let resource = resource(definition, &request.target_type_name, diagnostics)?;
    let identity = from_wire::state(request.source_identity, diagnostics)?;
    let source = MoveSource {
        provider_address: request.source_provider_address,
        type_name: request.source_type_name,
        schema_version: request.source_schema_version,
        state: from_wire::state(request.source_state, diagnostics)?,
        identity: (!identity.is_null()).then_some(identity),
    };
    let object = resource.move_state(diagnostics, &source)?;
    Some(move_resource_state::Response {
        target_state: Some(to_wire::value(object.state)),
        target_private: object.private,
        target_identity: object.identity.map(to_wire::identity),
        ..move_resource_state::Response::default()
    })
}

/// The configuration that describes an object, for `-generate-config-out`.
pub(super) fn generate_config(
    definition: &ProviderDefinition,
    request: generate_resource_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<generate_resource_config::Response> {
    let resource = resource(definition, &request.type_name, diagnostics)?;
    let config = resource.generate_config(diagnostics, &from_wire::value(request.state))?;
    Some(generate_resource_config::Response {
        config: Some(to_wire::value(config)),
        ..generate_resource_config::Response::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::tfplugin6::ClientCapabilities;

    #[test]
    fn the_second_plan_of_a_replacement_is_not_taken_for_the_one_before_the_apply() {
        for (deferral_allowed, prior_private, planned_private, expected) in [
            (false, "", "", false),
            (false, "stored", "", false),
            // An apply of Terraform: from 1.9 on, from 1.16 on.
            (true, "", "", true),
            (true, "stored", "planned", true),
            // The plan of a host that allows deferrals there.
            (true, "of the first plan", "", false),
        ] {
            let request = plan_resource_change::Request {
                client_capabilities: Some(ClientCapabilities {
                    deferral_allowed,
                    ..ClientCapabilities::default()
                }),
                prior_private: prior_private.into(),
                planned_private: planned_private.into(),
                ..plan_resource_change::Request::default()
            };
            let case = (deferral_allowed, prior_private, planned_private);
            assert_eq!(is_repeated(&request), expected, "{case:?}");
        }
    }
}
