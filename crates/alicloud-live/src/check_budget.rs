use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{CallContext, LiveClient, lock};

/// The timeout that all checks of a process share.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long the checks of a process wait for credentials, once.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(10);

/// The time during which checks of plans have run. A check that only serves a warning must not delay a plan.
#[derive(Default)]
pub(super) struct CheckBudget {
    /// Set after the credentials were waited for.
    credentials: OnceCell<()>,
    spent: Mutex<Spent>,
}

/// Checks that run at the same time delay a plan once.
#[derive(Default)]
struct Spent {
    until_last_pause: Duration,
    /// How many checks run.
    active: usize,
    /// Since when at least one has run without a pause.
    since: Option<Instant>,
}

/// A check under way; dropped, it has ended.
struct ActiveCheck<'a>(&'a Mutex<Spent>);

impl LiveClient {
    /// Runs a check of a plan within the remaining time. It does not include the time in which the credentials are loaded:
    /// a helper program, or OIDC and then a role, may take longer than all checks.
    pub(super) async fn check<T>(
        &self,
        ctx: &CallContext,
        check: impl AsyncFnOnce(CallContext) -> T,
    ) -> T {
        let wait = ctx.capped_at(CREDENTIALS_TIMEOUT);
        let load = async || drop(self.load_credentials(&wait).await);
        self.check_budget.credentials.get_or_init(load).await;
        self.check_budget.run(ctx, check).await
    }
}

impl CheckBudget {
    /// Runs a check within the remaining time.
    async fn run<T>(&self, ctx: &CallContext, check: impl AsyncFnOnce(CallContext) -> T) -> T {
        let (_active, remaining) = self.begin();
        check(ctx.capped_at(remaining)).await
    }

    fn begin(&self) -> (ActiveCheck<'_>, Duration) {
        let mut spent = lock(&self.spent);
        let remaining = TIMEOUT.saturating_sub(spent.total());
        spent.since.get_or_insert_with(Instant::now);
        spent.active += 1;
        (ActiveCheck(&self.spent), remaining)
    }
}

impl Spent {
    fn total(&self) -> Duration {
        let running = self.since.map(|since| since.elapsed());
        self.until_last_pause + running.unwrap_or_default()
    }
}

impl Drop for ActiveCheck<'_> {
    fn drop(&mut self) {
        let mut spent = lock(self.0);
        spent.active -= 1;
        if spent.active == 0 {
            spent.until_last_pause = spent.total();
            spent.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// Whether a check that takes this long comes to its end.
    async fn ends(budget: &CheckBudget, millis: u64) -> bool {
        let ctx = CallContext::new(Duration::from_secs(60), CancellationToken::new());
        let check = async |ctx: CallContext| ctx.wait(Duration::from_millis(millis)).await.is_ok();
        budget.run(&ctx, check).await
    }

    #[tokio::test(start_paused = true)]
    async fn checks_that_run_together_take_their_time_once() {
        let budget = CheckBudget::default();
        let together = join_all((0..10).map(|_| ends(&budget, 1_000))).await;
        assert_eq!(together, [true; 10]);
        assert!(ends(&budget, 1_500).await);
        let overlapping = tokio::join!(ends(&budget, 400), ends(&budget, 501), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            (ends(&budget, 199).await, ends(&budget, 1).await)
        });
        assert_eq!(overlapping, (true, false, (true, false)));
        assert!(!ends(&budget, 1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_is_given_up_no_longer_takes_time() {
        let budget = CheckBudget::default();
        let given_up = tokio::time::timeout(Duration::from_secs(1), ends(&budget, 2_000));
        given_up.await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(ends(&budget, 1_999).await);
    }
}
