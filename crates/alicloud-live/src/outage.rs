use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::call::{ApiCall, OperationKind};
use super::{Ambiguous, CallContext, Failure, NotSent, lock};

/// The pause after the first call that got no response; doubles with each further one.
const INITIAL_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// An endpoint that cannot be reached, or does not respond. After a call has used all of its attempts, reads that share
/// outages fail at once with the same reason during a growing pause. So a plan of a thousand resources ends some minutes after
/// the network is lost, not hours.
///
/// Any other call uses its own attempts: whether a job of a create exists, or has been started, is worth each of them.
#[derive(Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Default)]
struct State {
    last_response: Option<Instant>,
    /// By operation, if it is the one that gets no response: a list can take too long while single jobs can be read. `None`:
    /// there is no connection.
    pauses: HashMap<Option<&'static str>, Pause>,
}

struct Pause {
    failed_calls: u32,
    /// Why calls are not sent meanwhile.
    reason: NotSent,
    until: Instant,
}

impl Outage {
    /// Returns why a call must not start, if it must not.
    pub(super) fn check(&self, operation: &'static str, ctx: &CallContext) -> Option<NotSent> {
        if !ctx.shares_outages() {
            return None;
        }
        let state = lock(&self.0);
        let mut pauses = [None, Some(operation)]
            .into_iter()
            .filter_map(|of| state.pauses.get(&of));
        let pause = pauses.find(|pause| Instant::now() < pause.until)?;
        Some(pause.reason.clone())
    }

    /// Records the result of an attempt. A response ends the outage.
    pub(super) fn record_attempt(&self, operation: &'static str, failure: Option<&Failure>) {
        let is_response = match failure {
            None | Some(Failure::Rejected(_)) => true,
            Some(Failure::NotSent(_) | Failure::Ambiguous(Ambiguous::Cancelled)) => false,
            Some(Failure::Ambiguous(ambiguous)) => silence(ambiguous).is_none(),
        };
        if is_response {
            let mut state = lock(&self.0);
            state.last_response = Some(Instant::now());
            state.pauses.remove(&None);
            state.pauses.remove(&Some(operation));
        }
    }

    /// Records that a call that started then has failed.
    pub(super) fn record_failed_call(
        &self,
        call: &ApiCall,
        failure: &Failure,
        started_at: Instant,
        ctx: &CallContext,
    ) {
        let mut state = lock(&self.0);
        let (of, reason) = match failure {
            Failure::NotSent(reason @ NotSent::NoConnection(_)) => (None, reason.clone()),
            // Not if its own deadline ended it, or if others get responses meanwhile.
            Failure::Ambiguous(ambiguous)
                if call.kind == OperationKind::Read
                    && ctx.interruption().is_none()
                    && state.last_response.is_none_or(|last| last < started_at) =>
            {
                let Some(reason) = silence(ambiguous) else {
                    return;
                };
                (Some(call.operation), NotSent::NoResponse(reason))
            }
            _ => return,
        };
        let now = Instant::now();
        let earlier = state.pauses.get(&of);
        // Concurrent calls count as one.
        if earlier.is_some_and(|pause| now < pause.until) {
            return;
        }
        let failed_calls = earlier.map_or(0, |pause| pause.failed_calls) + 1;
        let pause = INITIAL_PAUSE.saturating_mul(1 << (failed_calls - 1).min(8));
        let pause = Pause {
            failed_calls,
            reason,
            until: now + pause.min(MAX_PAUSE),
        };
        state.pauses.insert(of, pause);
    }
}

/// Returns what a call without a response has met.
fn silence(ambiguous: &Ambiguous) -> Option<String> {
    match ambiguous {
        Ambiguous::TimedOut(time) => {
            let seconds = time.as_secs_f32();
            Some(format!("no complete response within {seconds:.1} s"))
        }
        Ambiguous::ConnectionLost(reason) => Some(format!(
            "the connection was lost before a response: {reason}"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const OPERATION: &str = "Operation";

    fn ctx() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(600)).sharing_outages()
    }

    fn is_paused(outage: &Outage) -> bool {
        outage.check(OPERATION, &ctx()).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_failures_count_as_one_and_each_later_one_doubles_the_pause() {
        let outage = Outage::default();
        let read = ApiCall::new(OPERATION, OperationKind::Read, []);
        let failure = Failure::NotSent(NotSent::NoConnection("refused".to_owned()));
        for seconds in [5, 10, 20, 40, 60, 60] {
            for _ in 0..3 {
                outage.record_failed_call(&read, &failure, Instant::now(), &ctx());
            }
            advance(Duration::from_millis(1000 * seconds - 1)).await;
            assert!(is_paused(&outage), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert!(!is_paused(&outage), "{seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_without_a_response_is_an_outage_unless_it_says_nothing_of_others() {
        let stop = CancellationToken::new();
        let canceled = CallContext::new(Duration::from_secs(600), stop.clone());
        stop.cancel();
        let silent = Failure::Ambiguous(Ambiguous::TimedOut(Duration::from_secs(30)));
        for (kind, ctx, last_response, is_outage) in [
            (OperationKind::Read, ctx(), None, true),
            (OperationKind::Read, ctx(), Some(0), true),
            // While it waited, others got responses.
            (OperationKind::Read, ctx(), Some(2), false),
            (OperationKind::IdempotentWrite, ctx(), None, false),
            (OperationKind::Read, canceled, None, false),
        ] {
            let outage = Outage::default();
            for second in 0..3 {
                if last_response == Some(second) {
                    outage.record_attempt(OPERATION, None);
                }
                advance(Duration::from_secs(1)).await;
            }
            let started_at = Instant::now() - Duration::from_secs(2);
            let call = ApiCall::new(OPERATION, kind, []);
            outage.record_failed_call(&call, &silent, started_at, &ctx);
            assert_eq!(is_paused(&outage), is_outage, "{kind:?} {last_response:?}");
        }
    }
}
