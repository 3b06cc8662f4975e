//! List resources: checked, and read as a stream of what they find.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::codegen::BoxStream;

use super::call::{RpcCall, failed, unsupported};
use crate::generated::tfplugin6::{list_resource, validate_list_resource_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{
    AttributePathStep, Diagnostic, Diagnostics, DynListResource, ListResult, ListResults,
    ProviderDefinition,
};

fn find<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
) -> Result<&'a dyn DynListResource, Diagnostic> {
    definition
        .list_resources
        .get(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| unsupported("list resource", name))
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_list_resource_config::Request,
) -> Result<validate_list_resource_config::Response, Diagnostic> {
    let list_resource = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    let config = from_wire::value(request.config);
    list_resource.validate(&mut diagnostics, &config);
    Ok(validate_list_resource_config::Response {
        diagnostics: to_wire::diagnostics(in_block(diagnostics)),
    })
}

/// Sends an event for each object that is found, and at the end one for all diagnostics, if there are any.
pub(super) fn list(
    definition: Arc<ProviderDefinition>,
    tasks: &TaskTracker,
    call: RpcCall,
    request: list_resource::Request,
) -> BoxStream<list_resource::Event> {
    let limit = u64::try_from(request.limit).unwrap_or(0);
    let (results, found) = ListResults::new(limit, request.include_resource_object);
    let diagnostics = call.work(tasks, async move {
        let list_resource = match find(&definition, &request.type_name) {
            Ok(list_resource) => list_resource,
            Err(unknown) => return failed(unknown),
        };
        let mut diagnostics = Diagnostics::default();
        let config = from_wire::value(request.config);
        list_resource.list(&mut diagnostics, &config, results).await;
        diagnostics
    });
    let last = stream::once(diagnostics).filter_map(|diagnostics| {
        let diagnostic = to_wire::diagnostics(in_block(diagnostics));
        let event = (!diagnostic.is_empty()).then(|| list_resource::Event {
            diagnostic,
            ..list_resource::Event::default()
        });
        std::future::ready(event)
    });
    Box::pin(ReceiverStream::new(found).map(event).chain(last).map(Ok))
}

fn event(found: ListResult) -> list_resource::Event {
    list_resource::Event {
        identity: Some(to_wire::identity(found.identity)),
        display_name: found.display_name,
        resource_object: found.object.map(to_wire::value),
        diagnostic: Vec::new(),
    }
}

/// Core looks for the attribute that a diagnostic names from the block `list` on, and the configuration is a block inside
/// of it: without this step it would point at the whole.
fn in_block(mut diagnostics: Diagnostics) -> Diagnostics {
    let all = diagnostics
        .errors
        .iter_mut()
        .chain(&mut diagnostics.warnings);
    for diagnostic in all {
        let steps = &mut diagnostic.attribute.steps;
        if !steps.is_empty() {
            steps.insert(0, AttributePathStep::Attribute("config".into()));
        }
    }
    diagnostics
}
