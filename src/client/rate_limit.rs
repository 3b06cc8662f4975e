use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Scope;
use super::scope::Ended;

/// Calls that may be made at once after a pause, as a share of a second's worth.
const BURST_SECONDS: f64 = 1.0;
/// The rate never falls below this.
const SLOWEST_PER_SECOND: f64 = 1.0;
/// A throttled call says nothing new within this time after another one.
const ONE_SLOWDOWN: Duration = Duration::from_secs(1);
/// What is left of the rate after a throttled call.
const SLOWDOWN: f64 = 0.7;
/// How much of the full rate comes back in a second without throttling.
const RECOVERY_PER_SECOND: f64 = 0.02;

/// Keeps each operation within its quota: a token bucket per operation, whose rate is lowered when the service
/// throttles and grows back with successes, so that several processes on one account find their share.
pub(super) struct RateLimiter {
    full_rate: f64,
    buckets: Mutex<HashMap<&'static str, Bucket>>,
}

struct Bucket {
    /// Calls a second at present.
    rate: f64,
    /// When the bucket will have been full again, had nothing been taken: before now means that tokens are left.
    filled_at: Instant,
    slowed_at: Option<Instant>,
}

impl RateLimiter {
    pub(super) fn new(per_minute: u32) -> Self {
        let full_rate = (f64::from(per_minute) / 60.0).max(SLOWEST_PER_SECOND / 60.0);
        Self {
            full_rate,
            buckets: Mutex::default(),
        }
    }

    /// Waits for a place in the operation's quota.
    pub(super) async fn acquire(&self, action: &'static str, scope: &Scope) -> Result<(), Ended> {
        let wait = self.bucket(action, Bucket::take);
        if wait.is_zero() {
            Ok(())
        } else {
            scope.wait(wait).await
        }
    }

    /// The service throttled the operation.
    pub(super) fn slow_down(&self, action: &'static str) {
        self.bucket(action, Bucket::slow_down);
    }

    /// The service took a call of the operation.
    pub(super) fn speed_up(&self, action: &'static str) {
        let full_rate = self.full_rate;
        self.bucket(action, |bucket| {
            // Calls come at about the rate, so each one brings its share of a second's recovery.
            let recovery = full_rate * RECOVERY_PER_SECOND / bucket.rate;
            bucket.rate = (bucket.rate + recovery).min(full_rate);
        });
    }

    fn bucket<T>(&self, action: &'static str, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(action).or_insert_with(|| Bucket {
            rate: self.full_rate,
            filled_at: Instant::now(),
            slowed_at: None,
        });
        act(bucket)
    }
}

impl Bucket {
    /// Takes a token and says how long to wait for it.
    fn take(&mut self) -> Duration {
        let now = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / self.rate);
        let burst = interval.mul_f64((self.rate * BURST_SECONDS).max(1.0));
        self.filled_at = self.filled_at.max(now) + interval;
        self.filled_at.saturating_duration_since(now + burst)
    }

    fn slow_down(&mut self) {
        let now = Instant::now();
        if self
            .slowed_at
            .is_some_and(|before| now - before < ONE_SLOWDOWN)
        {
            return;
        }
        self.slowed_at = Some(now);
        self.rate = (self.rate * SLOWDOWN).max(SLOWEST_PER_SECOND.min(self.rate));
        // The quota is used up: whatever was saved for a burst is worth nothing.
        self.filled_at = self
            .filled_at
            .max(now + Duration::from_secs_f64(BURST_SECONDS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn time_for(limiter: &RateLimiter, calls: u32) -> Duration {
        let scope = Scope::uninterrupted(Duration::from_secs(3600));
        let begun = Instant::now();
        for _ in 0..calls {
            limiter.acquire("A", &scope).await.unwrap();
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_calls_come_at_the_rate() {
        let limiter = RateLimiter::new(6_000);
        assert_eq!(time_for(&limiter, 100).await, Duration::ZERO);
        let time = time_for(&limiter, 500).await;
        assert!((4_900..=5_100).contains(&time.as_millis()), "{time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn operations_do_not_share_a_quota() {
        let limiter = RateLimiter::new(60);
        let scope = Scope::uninterrupted(Duration::from_secs(60));
        let begun = Instant::now();
        limiter.acquire("A", &scope).await.unwrap();
        limiter.acquire("B", &scope).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_lowers_the_rate_once_a_second_and_successes_restore_it() {
        let limiter = RateLimiter::new(6_000);
        for _ in 0..10 {
            limiter.slow_down("A");
        }
        // No burst any more, and seven tenths of the rate.
        let slowed = time_for(&limiter, 70).await;
        assert!((900..=1_100).contains(&slowed.as_millis()), "{slowed:?}");
        let slowed = time_for(&limiter, 140).await;
        assert!((1_900..=2_100).contains(&slowed.as_millis()), "{slowed:?}");
        for _ in 0..2_000 {
            limiter.speed_up("A");
        }
        let restored = time_for(&limiter, 500).await;
        assert!(
            (4_000..=5_100).contains(&restored.as_millis()),
            "{restored:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_comes_too_late_is_not_waited_for() {
        let limiter = RateLimiter::new(1);
        time_for(&limiter, 1).await;
        let scope = Scope::uninterrupted(Duration::from_secs(5));
        assert_eq!(limiter.acquire("A", &scope).await, Err(Ended::OutOfTime));
    }
}
