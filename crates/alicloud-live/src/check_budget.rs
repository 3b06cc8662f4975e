//! The time that a plan's checks against the API may take.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::CallContext;

/// All checks of a process together.
const MAX_TIME: Duration = Duration::from_secs(3);

/// What the checks of a process have used up. A check that serves a warning must not hold a plan up.
#[derive(Default)]
pub(super) struct CheckBudget {
    spent: Mutex<Duration>,
}

impl CheckBudget {
    /// Runs one check, with the time that is left.
    pub(super) async fn run<T>(
        &self,
        ctx: &CallContext,
        check: impl AsyncFnOnce(CallContext) -> T,
    ) -> T {
        let begun = Instant::now();
        let checked = check(ctx.capped_at(MAX_TIME.saturating_sub(self.spent()))).await;
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        checked
    }

    fn spent(&self) -> Duration {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
