use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::CallContext;

/// The timeout that all checks of a process share.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The time that the checks of plans have taken. A check that only serves a warning must not delay a plan.
#[derive(Default)]
pub(super) struct CheckBudget {
    spent: Mutex<Duration>,
}

impl CheckBudget {
    /// Runs a check within the remaining time.
    pub(super) async fn run<T>(
        &self,
        ctx: &CallContext,
        check: impl AsyncFnOnce(CallContext) -> T,
    ) -> T {
        let started_at = Instant::now();
        let result = check(ctx.capped_at(TIMEOUT.saturating_sub(self.spent()))).await;
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += started_at.elapsed();
        result
    }

    fn spent(&self) -> Duration {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
