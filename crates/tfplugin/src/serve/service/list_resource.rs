//! List resources: checked, and read as a stream of what they find.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;

use super::call::{RpcCall, find};
use crate::generated::tfplugin6::{list_resource as rpc, validate_list_resource_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{
    AttributePathStep, Diagnostics, DynListResource, ListResult, ListResults, ProviderDefinition,
};

fn list_resource<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a dyn DynListResource> {
    find(
        &definition.list_resources,
        "list resource",
        name,
        diagnostics,
    )
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_list_resource_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<validate_list_resource_config::Response> {
    let config = from_wire::value(request.config);
    list_resource(definition, &request.type_name, diagnostics)?.validate(diagnostics, &config);
    in_block(diagnostics);
    Some(validate_list_resource_config::Response::default())
}

/// Sends an event for each object that is found, and at the end one for all diagnostics, if there are any.
pub(super) fn list(
    definition: Arc<ProviderDefinition>,
    call: RpcCall,
    request: rpc::Request,
) -> BoxStream<rpc::Event> {
    let limit = u64::try_from(request.limit).unwrap_or(0);
    let (results, found) = ListResults::new(limit, request.include_resource_object);
    let tasks = definition.work.clone();
    let diagnostics = call.work(&tasks, async move {
        let mut diagnostics = Diagnostics::default();
        if let Some(list) = list_resource(&definition, &request.type_name, &mut diagnostics) {
            let config = from_wire::value(request.config);
            list.list(&mut diagnostics, &config, results).await;
        }
        diagnostics
    });
    let last = stream::once(diagnostics).filter_map(|diagnostics| {
        let diagnostic = to_wire::diagnostics(diagnostics);
        let event = (!diagnostic.is_empty()).then(|| rpc::Event {
            diagnostic,
            ..rpc::Event::default()
        });
        std::future::ready(event)
    });
    Box::pin(ReceiverStream::new(found).map(event).chain(last).map(Ok))
}

fn event(found: ListResult) -> rpc::Event {
    rpc::Event {
        identity: Some(to_wire::identity(found.identity)),
        display_name: found.display_name,
        resource_object: found.object.map(to_wire::value),
        diagnostic: Vec::new(),
    }
}

/// Core looks for the attribute that a diagnostic of a validation names from the block `list` on, and the configuration is a
/// block inside of it: without this step it would point at the whole. For those of a list it adds the step itself from
/// Terraform 1.16 on.
fn in_block(diagnostics: &mut Diagnostics) {
    let errors = diagnostics.errors.iter_mut();
    for diagnostic in errors.chain(&mut diagnostics.warnings) {
        let steps = &mut diagnostic.attribute.steps;
        if !steps.is_empty() {
            steps.insert(0, AttributePathStep::Attribute("config".into()));
        }
    }
}
