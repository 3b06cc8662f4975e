//! The time that a plan's checks against the API may take.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Scope;

/// All checks of a process together.
const MAX_TIME: Duration = Duration::from_secs(3);

/// What the checks of a process have used up. A check that serves a warning must not hold a plan up.
#[derive(Default)]
pub(super) struct LookBudget {
    spent: Mutex<Duration>,
}

impl LookBudget {
    /// Runs one check, with the time that is left.
    pub(super) async fn run<T>(&self, scope: &Scope, check: impl AsyncFnOnce(Scope) -> T) -> T {
        let begun = Instant::now();
        let checked = check(scope.at_most(MAX_TIME.saturating_sub(self.spent()))).await;
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        checked
    }

    fn spent(&self) -> Duration {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
