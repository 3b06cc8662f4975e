use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{CallContext, lock};

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
        let remaining = TIMEOUT.saturating_sub(*lock(&self.spent));
        let result = check(ctx.capped_at(remaining)).await;
        *lock(&self.spent) += started_at.elapsed();
        result
    }
}
