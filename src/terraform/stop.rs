use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The user's wish to stop (Ctrl-C), as `StopProvider` brings it.
///
/// By protocol a stop concerns the calls that are running now; the provider goes on serving later ones. So each
/// stop cancels the token in force and puts a fresh one in its place. Clones share the signal.
#[derive(Clone, Default, Debug)]
pub struct StopSignal {
    current: Arc<Mutex<CancellationToken>>,
}

impl StopSignal {
    /// The token that the next stop cancels. Take it once at the start of a call and keep it to the end.
    pub fn token(&self) -> CancellationToken {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells every call that took its token before this moment to stop.
    pub fn stop(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current).cancel();
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
        assert!(!signal.token().is_cancelled());
    }
}
