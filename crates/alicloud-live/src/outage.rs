use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{CallContext, Failure, NotSent};

/// After the first call that could not connect; doubles with each further one.
const INITIAL_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// That the endpoint cannot be reached. A call that has used up its attempts on it has found out for all: until a
/// growing pause is over, calls that begin fail at once with the same reason. So a plan of a thousand resources ends a
/// minute after the network was lost, and not an hour.
///
/// Recovery does not ask: it is owed, and tries until its time is over.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<Known>>);

struct Known {
    calls: u32,
    reason: String,
    pause_until: Instant,
}

impl Outage {
    /// Why a call need not begin.
    pub(super) fn known_to(&self, ctx: &CallContext) -> Option<NotSent> {
        let state = self.state();
        let known = state.as_ref()?;
        let holds = !ctx.is_recovery() && Instant::now() < known.pause_until;
        holds.then(|| NotSent::NoConnection(known.reason.clone()))
    }

    /// An attempt has ended like this: whatever reached the other side ends the outage.
    pub(super) fn note_attempt(&self, failure: Option<&Failure>) {
        if !matches!(failure, Some(Failure::NotSent(_))) {
            *self.state() = None;
        }
    }

    /// A call has failed for good.
    pub(super) fn note_call(&self, failure: &Failure) {
        let Failure::NotSent(NotSent::NoConnection(reason)) = failure else {
            return;
        };
        let mut state = self.state();
        let now = Instant::now();
        // Calls that were under way together find out together.
        if state.as_ref().is_some_and(|known| now < known.pause_until) {
            return;
        }
        let calls = state.as_ref().map_or(0, |known| known.calls) + 1;
        let pause = INITIAL_PAUSE.saturating_mul(1 << (calls - 1).min(8));
        *state = Some(Known {
            calls,
            reason: reason.clone(),
            pause_until: now + pause.min(MAX_PAUSE),
        });
    }

    fn state(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
