use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// What tells running calls to end early, on two levels.
///
/// - *Stop* (Ctrl-C, as `StopProvider` or a signal brings it): by protocol it concerns the calls that are running; the
///   provider goes on serving later ones. So each stop cancels the token in force and puts a fresh one in its place.
/// - *The host is gone*: it was killed, or has asked the process to shut down. Nobody awaits a response, and the lock on
///   the state may be somebody else's by now. All tokens are cancelled, those of later calls too, and the process lives
///   for a few seconds more at most.
///
/// Clones share the signal.
#[derive(Clone, Debug)]
pub struct StopSignal {
    host_gone: CancellationToken,
    /// A child of `host_gone`.
    current: Arc<Mutex<CancellationToken>>,
}

impl Default for StopSignal {
    fn default() -> Self {
        let host_gone = CancellationToken::new();
        let current = Arc::new(Mutex::new(host_gone.child_token()));
        Self { host_gone, current }
    }
}

impl StopSignal {
    /// The token that the next stop cancels. Take it once at the start of a call and keep it to the end.
    pub fn token(&self) -> CancellationToken {
        self.current().clone()
    }

    /// Tells every call that took its token before this moment to stop.
    pub fn stop(&self) {
        let mut current = self.current();
        current.cancel();
        *current = self.host_gone.child_token();
    }

    /// Stops all calls, later ones included: the host is gone. No change may begin, except to start what this provider
    /// has stopped.
    pub fn set_host_gone(&self) {
        self.host_gone.cancel();
    }

    /// The token that is cancelled when the host is gone, and by no stop before that.
    pub fn host_gone(&self) -> CancellationToken {
        self.host_gone.clone()
    }

    fn current(&self) -> MutexGuard<'_, CancellationToken> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_concerns_running_calls_and_not_later_ones() {
        let signal = StopSignal::default();
        let running = signal.token();
        signal.clone().stop();
        assert!(running.is_cancelled());
        assert!(!signal.token().is_cancelled() && !signal.host_gone().is_cancelled());
    }

    #[test]
    fn a_host_that_is_gone_stops_later_calls_too() {
        let signal = StopSignal::default();
        let running = signal.token();
        signal.clone().set_host_gone();
        assert!(running.is_cancelled() && signal.token().is_cancelled());
        assert!(signal.host_gone().is_cancelled());
        signal.stop();
        assert!(signal.token().is_cancelled());
    }
}
