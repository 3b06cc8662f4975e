//! Actions: checked, planned and invoked.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codegen::BoxStream;

use super::call::{RpcCall, find};
use crate::generated::tfplugin6::{invoke_action, plan_action, validate_action_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostics, DynAction, ProgressReporter, ProviderDefinition};
use invoke_action::event::{Completed, Type};

fn action<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a dyn DynAction> {
    find(&definition.actions, "action", name, diagnostics)
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_action_config::Request,
    diagnostics: &mut Diagnostics,
) -> Option<validate_action_config::Response> {
    let config = from_wire::value(request.config);
    action(definition, &request.type_name, diagnostics)?.validate(diagnostics, &config);
    Some(validate_action_config::Response::default())
}

/// An action plans nothing: its configuration is checked once more, with the values that are known by now.
pub(super) fn plan(
    definition: &ProviderDefinition,
    request: plan_action::Request,
    diagnostics: &mut Diagnostics,
) -> Option<plan_action::Response> {
    let config = from_wire::value(request.config);
    action(definition, &request.action_type, diagnostics)?.validate(diagnostics, &config);
    Some(plan_action::Response::default())
}

/// Sends an event for each message on the way, and at the end the one that says how it went.
pub(super) fn invoke(
    definition: Arc<ProviderDefinition>,
    call: RpcCall,
    request: invoke_action::Request,
) -> BoxStream<invoke_action::Event> {
    let (progress, messages) = ProgressReporter::new();
    let tasks = definition.work.clone();
    let diagnostics = call.work(&tasks, async move {
        let mut diagnostics = Diagnostics::default();
        if let Some(action) = action(&definition, &request.action_type, &mut diagnostics) {
            let config = from_wire::value(request.config);
            action.invoke(&mut diagnostics, &config, progress).await;
        }
        diagnostics
    });
    let messages = UnboundedReceiverStream::new(messages)
        .map(|message| Type::Progress(invoke_action::event::Progress { message }));
    let completed = stream::once(diagnostics).map(|diagnostics| {
        Type::Completed(Completed {
            diagnostics: to_wire::diagnostics(diagnostics),
        })
    });
    let events = messages.chain(completed);
    Box::pin(events.map(|event| {
        Ok(invoke_action::Event {
            r#type: Some(event),
        })
    }))
}
