//! Actions: checked, planned and invoked.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::codegen::BoxStream;

use super::call::{RpcCall, failed, unsupported};
use crate::generated::tfplugin6::{invoke_action, plan_action, validate_action_config};
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostic, Diagnostics, DynAction, ProgressReporter, ProviderDefinition};
use invoke_action::event::{Completed, Type};

fn find<'a>(
    definition: &'a ProviderDefinition,
    name: &str,
) -> Result<&'a dyn DynAction, Diagnostic> {
    definition
        .actions
        .get(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| unsupported("action", name))
}

pub(super) fn validate(
    definition: &ProviderDefinition,
    request: validate_action_config::Request,
) -> Result<validate_action_config::Response, Diagnostic> {
    let action = find(definition, &request.type_name)?;
    let mut diagnostics = Diagnostics::default();
    action.validate(&mut diagnostics, &from_wire::value(request.config));
    Ok(validate_action_config::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
    })
}

/// An action plans nothing: its configuration is checked once more, with the values that are known by now.
pub(super) fn plan(
    definition: &ProviderDefinition,
    request: plan_action::Request,
) -> Result<plan_action::Response, Diagnostic> {
    let action = find(definition, &request.action_type)?;
    let mut diagnostics = Diagnostics::default();
    action.validate(&mut diagnostics, &from_wire::value(request.config));
    Ok(plan_action::Response {
        diagnostics: to_wire::diagnostics(diagnostics),
        deferred: None,
    })
}

/// Sends an event for each message on the way, and at the end the one that says how it went.
pub(super) fn invoke(
    definition: Arc<ProviderDefinition>,
    tasks: &TaskTracker,
    call: RpcCall,
    request: invoke_action::Request,
) -> BoxStream<invoke_action::Event> {
    let (progress, messages) = ProgressReporter::new();
    let diagnostics = call.work(tasks, async move {
        let action = match find(&definition, &request.action_type) {
            Ok(action) => action,
            Err(unknown) => return failed(unknown),
        };
        let mut diagnostics = Diagnostics::default();
        let config = from_wire::value(request.config);
        action.invoke(&mut diagnostics, &config, progress).await;
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
