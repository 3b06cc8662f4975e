use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::run::Run;
use crate::client::{LiveClient, Scope};
use crate::terraform::{AttributePath, Diagnostic, StopSignal, diagnostic};

/// What the provider block has become: the client that all resources share.
///
/// While planning, arguments of the block may be unknown because they come from resources yet to be made. That is no
/// error as long as nobody needs the client.
pub(super) struct Connection {
    state: RwLock<State>,
    stop: StopSignal,
}

enum State {
    NotConfigured,
    AwaitsArguments(Vec<&'static str>),
    Ready(Arc<LiveClient>, Arc<Run>),
}

impl Connection {
    pub(super) fn new(stop: StopSignal) -> Self {
        Self {
            state: RwLock::new(State::NotConfigured),
            stop,
        }
    }

    pub(super) fn connect(&self, client: LiveClient, run: Run) {
        self.set(State::Ready(Arc::new(client), Arc::new(run)));
    }

    pub(super) fn await_arguments(&self, unknown: Vec<&'static str>) {
        self.set(State::AwaitsArguments(unknown));
    }

    fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The client, or why there is none.
    pub(super) fn client(&self) -> Result<Arc<LiveClient>, Diagnostic> {
        self.client_and_run().map(|(client, _)| client)
    }

    /// The client, and what is known of the run; or why there is neither.
    pub(super) fn client_and_run(&self) -> Result<(Arc<LiveClient>, Arc<Run>), Diagnostic> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready(client, run) => Ok((Arc::clone(client), Arc::clone(run))),
            State::NotConfigured => Err(diagnostic::general(
                "Provider not configured",
                "Terraform asked for an API call before it configured the provider. This is a bug, please report it.",
            )),
            State::AwaitsArguments(unknown) => Err(diagnostic::at(
                AttributePath::new(unknown.first().copied().unwrap_or_default()),
                "Provider argument not known yet",
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
    pub(super) fn scope(&self, time: Duration) -> Scope {
        Scope::new(time, self.stop.token())
    }
}
