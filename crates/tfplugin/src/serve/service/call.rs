//! What every call has in common: it is logged, and it gets a response whatever happens.
//!
//! Core takes a gRPC error for "nothing was created" and shows it as a crash, so a failure always travels inside a
//! response. A panic ends its own call and no other: it becomes an error like any other, beside the report on stderr.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;
use tonic::{Response, Status};
use tracing::{Instrument, Span};

use crate::generated::tfplugin6 as wire;
use crate::serve::convert::to_wire;
use crate::{Diagnostic, Diagnostics, ProviderDefinition, diagnostic};

/// What a call is about, by name.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    WholeProvider,
    Resource(&'a str),
    DataSource(&'a str),
    Function(&'a str),
    ListResource(&'a str),
    Action(&'a str),
}

/// One call, from its arrival to its response.
pub(super) struct RpcCall {
    rpc: &'static str,
    span: Span,
    arrived: Instant,
}

impl RpcCall {
    pub(super) fn new(rpc: &'static str, subject: Subject<'_>) -> Self {
        static CALLS: AtomicU64 = AtomicU64::new(1);
        // The logs of all processes of a run end in one place: the process makes the number unique there.
        let id = format!(
            "{}-{}",
            std::process::id(),
            CALLS.fetch_add(1, Ordering::Relaxed)
        );
        let (mut resource, mut data_source, mut function) = (None, None, None);
        let (mut list_resource, mut action) = (None, None);
        match subject {
            Subject::WholeProvider => {}
            Subject::Resource(name) => resource = Some(name),
            Subject::DataSource(name) => data_source = Some(name),
            Subject::Function(name) => function = Some(name),
            Subject::ListResource(name) => list_resource = Some(name),
            Subject::Action(name) => action = Some(name),
        }
        // The names that the Go SDKs give these fields. At the error level, so that whatever is logged has them.
        let span = tracing::error_span!(
            "call",
            tf_rpc = rpc,
            tf_req_id = id,
            tf_resource_type = resource,
            tf_data_source_type = data_source,
            tf_function = function,
            tf_list_resource_type = list_resource,
            tf_action_type = action,
        );
        Self {
            rpc,
            span,
            arrived: Instant::now(),
        }
    }

    /// Responds with what `handler` makes of the request, and with the diagnostics that it adds.
    pub(super) async fn respond<Q, A: RpcResponse + Default>(
        self,
        definition: &ProviderDefinition,
        request: Q,
        handler: impl FnOnce(&ProviderDefinition, Q, &mut Diagnostics) -> Option<A>,
    ) -> Result<Response<A>, Status> {
        let handler =
            async |definition: &ProviderDefinition, request, problems: &mut Diagnostics| {
                handler(definition, request, problems)
            };
        self.respond_async(definition, request, handler).await
    }

    /// The same with a handler that waits.
    pub(super) async fn respond_async<Q, A: RpcResponse + Default>(
        self,
        definition: &ProviderDefinition,
        request: Q,
        handler: impl AsyncFnOnce(&ProviderDefinition, Q, &mut Diagnostics) -> Option<A>,
    ) -> Result<Response<A>, Status> {
        let handler =
            async |problems: &mut Diagnostics| handler(definition, request, problems).await;
        Ok(Response::new(self.respond_or(A::default(), handler).await))
    }

    /// The response of `handler`, or else `otherwise`, with the diagnostics.
    pub(super) async fn respond_or<A: RpcResponse>(
        self,
        otherwise: A,
        handler: impl AsyncFnOnce(&mut Diagnostics) -> Option<A>,
    ) -> A {
        let Self { rpc, span, arrived } = self;
        let response = async {
            tracing::trace!("call received");
            let mut diagnostics = Diagnostics::default();
            let outcome = AssertUnwindSafe(handler(&mut diagnostics))
                .catch_unwind()
                .await;
            let response = outcome.unwrap_or_else(|_panic| {
                diagnostics = failed(crashed(rpc));
                None
            });
            let response = with_reason(response, &mut diagnostics);
            log_response(arrived, &diagnostics);
            let mut response = response.unwrap_or(otherwise);
            response.set_diagnostics(diagnostics);
            response
        };
        response.instrument(span).await
    }

    /// Works on a call whose response is a stream, and gives the diagnostics of the whole. The work is a task of its own: a
    /// caller who goes away must not cut it off in the middle of a change.
    pub(super) fn work<W: Future<Output = Diagnostics> + Send + 'static>(
        self,
        tasks: &TaskTracker,
        work: W,
    ) -> impl Future<Output = Diagnostics> + use<W> {
        let Self { rpc, span, arrived } = self;
        let work = async move {
            tracing::trace!("call received");
            let outcome = AssertUnwindSafe(work).catch_unwind().await;
            let diagnostics = outcome.unwrap_or_else(|_panic| failed(crashed(rpc)));
            log_response(arrived, &diagnostics);
            diagnostics
        };
        let task = tasks.spawn(work.instrument(span));
        // It cannot panic, and is ended early only when the whole process ends.
        task.map(move |done| done.unwrap_or_else(|_| failed(crashed(rpc))))
    }
}

fn log_response(arrived: Instant, diagnostics: &Diagnostics) {
    tracing::debug!(
        tf_req_duration_ms = arrived.elapsed().as_secs_f64() * 1e3,
        diagnostic_error_count = diagnostics.errors.len(),
        diagnostic_warning_count = diagnostics.warnings.len(),
        "call answered"
    );
}

/// One error and nothing else.
pub(super) fn failed(error: Diagnostic) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    diagnostics.add_error(error);
    diagnostics
}

fn crashed(rpc: &str) -> Diagnostic {
    diagnostic::general(
        "The provider crashed",
        format!(
            "This is a bug in the provider, please report it with the trace that Terraform shows. It happened in the \
             call {rpc}; other calls went on. If the call was to change something, check the object before you \
             retry."
        ),
    )
}

/// What is offered under this name, or else an error.
pub(super) fn find<'a, T: ?Sized>(
    offered: &'a BTreeMap<String, Box<T>>,
    kind: &str,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a T> {
    let found = offered.get(name).map(AsRef::as_ref);
    if found.is_none() {
        diagnostics.add_error(diagnostic::general(
            format!("Unknown {kind}"),
            format!(
                "This version of the provider has no {kind} {name:?}. Another version may: check the version constraint \
                 in required_providers."
            ),
        ));
    }
    found
}

/// Sees to it that a response without a result says why.
pub(super) fn with_reason<T>(outcome: Option<T>, diagnostics: &mut Diagnostics) -> Option<T> {
    if outcome.is_none() && diagnostics.errors.is_empty() {
        diagnostics.add_error(diagnostic::general(
            "The call failed without a reason",
            "This is a bug in the provider, please report it.",
        ));
    }
    outcome
}

/// A response that can contain diagnostics.
pub(super) trait RpcResponse {
    /// Takes the diagnostics of the call.
    fn set_diagnostics(&mut self, diagnostics: Diagnostics);
}

macro_rules! responds_with_diagnostics {
    ($($call:ident),+ $(,)?) => {$(
        impl RpcResponse for wire::$call::Response {
            fn set_diagnostics(&mut self, diagnostics: Diagnostics) {
                self.diagnostics = to_wire::diagnostics(diagnostics);
            }
        }
    )+};
}

responds_with_diagnostics!(
    apply_resource_change,
    configure_provider,
    generate_resource_config,
    get_functions,
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    import_resource_state,
    move_resource_state,
    plan_action,
    plan_resource_change,
    read_data_source,
    read_resource,
    upgrade_resource_identity,
    upgrade_resource_state,
    validate_action_config,
    validate_data_resource_config,
    validate_list_resource_config,
    validate_provider_config,
    validate_resource_config,
);

/// A result or an error, never both. Warnings have no place in it.
impl RpcResponse for wire::call_function::Response {
    fn set_diagnostics(&mut self, diagnostics: Diagnostics) {
        if !diagnostics.errors.is_empty() {
            self.result = None;
            self.error = Some(to_wire::function_error(diagnostics.errors));
        }
    }
}

impl RpcResponse for wire::stop_provider::Response {
    fn set_diagnostics(&mut self, diagnostics: Diagnostics) {
        let error = diagnostics.errors.into_iter().next();
        self.error = error.map_or_else(String::new, |error| error.summary.into_owned());
    }
}
