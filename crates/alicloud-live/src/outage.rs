use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{CallContext, Failure, NotSent, lock};

/// The pause after the first call that could not connect; doubles with each further one.
const INITIAL_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// An unreachable endpoint. After a call has used all of its attempts, reads that share outages fail at once with the same
/// reason during a growing pause. So a plan of a thousand resources ends a minute after the network is lost, not an hour.
///
/// Any other call uses its own attempts: whether a job of a create exists, or has been started, is worth each of them.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<State>>);

struct State {
    failed_calls: u32,
    reason: String,
    pause_until: Instant,
}

impl Outage {
    /// Returns why a call must not start, if it must not.
    pub(super) fn check(&self, ctx: &CallContext) -> Option<NotSent> {
        let state = lock(&self.0);
        let state = state.as_ref()?;
        let is_paused = ctx.shares_outages() && Instant::now() < state.pause_until;
        is_paused.then(|| NotSent::NoConnection(state.reason.clone()))
    }

    /// Records the result of an attempt. Any request that was sent ends the outage.
    pub(super) fn record_attempt(&self, failure: Option<&Failure>) {
        if !matches!(failure, Some(Failure::NotSent(_))) {
            *lock(&self.0) = None;
        }
    }

    /// Records that a call has failed.
    pub(super) fn record_failed_call(&self, failure: &Failure) {
        let Failure::NotSent(NotSent::NoConnection(reason)) = failure else {
            return;
        };
        let mut state = lock(&self.0);
        let now = Instant::now();
        // Concurrent calls count as one.
        if state.as_ref().is_some_and(|state| now < state.pause_until) {
            return;
        }
        let failed_calls = state.as_ref().map_or(0, |state| state.failed_calls) + 1;
        let pause = INITIAL_PAUSE.saturating_mul(1 << (failed_calls - 1).min(8));
        *state = Some(State {
            failed_calls,
            reason: reason.clone(),
            pause_until: now + pause.min(MAX_PAUSE),
        });
    }
}
