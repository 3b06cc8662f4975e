use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::run::Run;
use alicloud_auth::credentials::Identity;
use alicloud_live::{CallContext, LiveClient};
use tfplugin::{AttributePath, Diagnostic, StopSignal, diagnostic};

/// What the provider block has become: the client that all resources share.
///
/// While planning, arguments of the block may be unknown because they come from resources yet to be made. That is no
/// error until the client is needed.
pub(crate) struct ProviderData {
    state: RwLock<State>,
    stop: StopSignal,
}

enum State {
    NotConfigured,
    AwaitsArguments(Vec<String>),
    Ready(Ready),
}

#[derive(Clone)]
struct Ready {
    client: Arc<LiveClient>,
    run: Arc<Run>,
    identity: Arc<Identity>,
}

impl ProviderData {
    pub(crate) fn new(stop: StopSignal) -> Self {
        Self {
            state: RwLock::new(State::NotConfigured),
            stop,
        }
    }

    pub(crate) fn connect(&self, client: LiveClient, run: Run, identity: Identity) {
        self.set(State::Ready(Ready {
            client: Arc::new(client),
            run: Arc::new(run),
            identity: Arc::new(identity),
        }));
    }

    pub(crate) fn await_arguments(&self, unknown: Vec<String>) {
        self.set(State::AwaitsArguments(unknown));
    }

    fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The client, or why there is none.
    pub(crate) fn client(&self) -> Result<Arc<LiveClient>, Diagnostic> {
        self.ready().map(|ready| ready.client)
    }

    /// Whose credentials the client uses, or why there is none.
    pub(crate) fn identity(&self) -> Result<Arc<Identity>, Diagnostic> {
        self.ready().map(|ready| ready.identity)
    }

    /// The client, and what is known of the run; or why there is neither.
    pub(crate) fn client_and_run(&self) -> Result<(Arc<LiveClient>, Arc<Run>), Diagnostic> {
        self.ready().map(|ready| (ready.client, ready.run))
    }

    fn ready(&self) -> Result<Ready, Diagnostic> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready(ready) => Ok(ready.clone()),
            State::NotConfigured => Err(diagnostic::general(
                "Provider not configured",
                "Terraform asked for an API call before it configured the provider. This is a bug, please report it.",
            )),
            State::AwaitsArguments(unknown) => Err(diagnostic::at(
                AttributePath::new(unknown.first().cloned().unwrap_or_default()),
                "Unknown provider configuration value",
                format!(
                    "The API must be called now, but these arguments of the provider block depend on resources that \
                     do not exist yet: {}. Apply those resources first (-target), or give the arguments as constants, \
                     variables or environment variables.",
                    unknown.join(", ")
                ),
            )),
        }
    }

    /// The bounds of one piece of work that begins now.
    pub(crate) fn ctx(&self, time: Duration) -> CallContext {
        CallContext::new(time, self.stop.token())
    }
}
