//! What every call has in common: it is logged, and it gets a response whatever happens.
//!
//! Core takes a gRPC error for "nothing was made" and shows it as a crash, so a failure always travels inside an
//! response. A panic ends its own call and no other: it becomes an error like any other, beside the report on stderr.

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
use crate::{Diagnostic, Diagnostics, diagnostic};

/// What a call is about, by name.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Provider,
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
            Subject::Provider => {}
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

    /// Responds with what `handler` returns, or with the error that kept it from it.
    pub(super) async fn respond<A: RpcResponse + Default>(
        self,
        handler: impl Future<Output = Result<A, Diagnostic>>,
    ) -> Result<Response<A>, Status> {
        self.respond_or(A::default(), handler).await
    }

    /// The same, but the error stands in `otherwise`.
    pub(super) async fn respond_or<A: RpcResponse>(
        self,
        mut otherwise: A,
        handler: impl Future<Output = Result<A, Diagnostic>>,
    ) -> Result<Response<A>, Status> {
        let Self { rpc, span, arrived } = self;
        let response = async {
            tracing::trace!("call received");
            let outcome = AssertUnwindSafe(handler).catch_unwind().await;
            let response = match outcome.unwrap_or_else(|_panic| Err(crashed(rpc))) {
                Ok(response) => response,
                Err(problem) => {
                    otherwise.fail(problem);
                    otherwise
                }
            };
            log_response(arrived, response.problems());
            response
        };
        Ok(Response::new(response.instrument(span).await))
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
            log_response(
                arrived,
                (diagnostics.errors.len(), diagnostics.warnings.len()),
            );
            diagnostics
        };
        let task = tasks.spawn(work.instrument(span));
        // It cannot panic, and is ended early only when the whole process ends.
        task.map(move |done| done.unwrap_or_else(|_| failed(crashed(rpc))))
    }
}

fn log_response(arrived: Instant, (errors, warnings): (usize, usize)) {
    tracing::debug!(
        tf_req_duration_ms = arrived.elapsed().as_secs_f64() * 1e3,
        diagnostic_error_count = errors,
        diagnostic_warning_count = warnings,
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
             call {rpc}; other calls went on. If the call was to change something, look at the object in the cloud \
             before trying again."
        ),
    )
}

/// The error of a name that is not on offer.
pub(super) fn unsupported(kind: &str, name: &str) -> Diagnostic {
    diagnostic::general(
        format!("Unknown {kind}"),
        format!(
            "This version of the provider has no {kind} {name:?}. Another version may: check the version constraint \
             in required_providers."
        ),
    )
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

/// A response that can contain errors.
pub(super) trait RpcResponse {
    /// Adds an error.
    fn fail(&mut self, problem: Diagnostic);

    /// How many errors and warnings there are.
    fn problems(&self) -> (usize, usize);
}

macro_rules! responds_with_diagnostics {
    ($($call:ident),+ $(,)?) => {$(
        impl RpcResponse for wire::$call::Response {
            fn fail(&mut self, problem: Diagnostic) {
                self.diagnostics.push(to_wire::error(problem));
            }

            fn problems(&self) -> (usize, usize) {
                let is_error = |each: &&wire::Diagnostic| {
                    each.severity() == wire::diagnostic::Severity::Error
                };
                let errors = self.diagnostics.iter().filter(is_error).count();
                (errors, self.diagnostics.len() - errors)
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

impl RpcResponse for wire::call_function::Response {
    fn fail(&mut self, problem: Diagnostic) {
        self.error = Some(to_wire::function_error(vec![problem]));
    }

    fn problems(&self) -> (usize, usize) {
        (usize::from(self.error.is_some()), 0)
    }
}

impl RpcResponse for wire::stop_provider::Response {
    fn fail(&mut self, problem: Diagnostic) {
        self.error = problem.summary.into_owned();
    }

    fn problems(&self) -> (usize, usize) {
        (usize::from(!self.error.is_empty()), 0)
    }
}
