use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::call_context::Interruption;
use super::{CallContext, lock};

/// The burst after a pause, as a share of the calls of a second: at the published quota, as many as Terraform makes at the
/// same time. More would be rejected if the service counted calls by the second.
const BURST_SECONDS: f64 = 0.1;
/// The rate never falls below this.
const MIN_CALLS_PER_SECOND: f64 = 1.0;
/// Further throttled calls within this time do not lower the rate again.
const SLOWDOWN_INTERVAL: Duration = Duration::from_secs(1);
/// A throttled call multiplies the rate by this.
const SLOWDOWN_FACTOR: f64 = 0.7;
/// The share of the full rate that is restored in a second without throttling.
const RECOVERY_PER_SECOND: f64 = 0.02;

/// Keeps each operation within its quota: a token bucket per operation. Throttling lowers its rate, and successes restore
/// it, so that several processes on one account share the quota.
///
/// It uses the monotonic clock, which stands still while the machine is suspended. Then a call may wait a tenth of a second
/// longer than necessary, but the quota is never exceeded.
pub(super) struct RateLimiter {
    full_rate: f64,
    buckets: Mutex<HashMap<&'static str, Bucket>>,
}

struct Bucket {
    /// The current rate, in calls per second.
    rate: f64,
    /// When the bucket would be full without further calls: if it is in the past, tokens are left.
    filled_at: Instant,
    slowed_at: Option<Instant>,
}

impl RateLimiter {
    pub(super) fn new(per_minute: u32) -> Self {
        // A minute that begins with a burst must not exceed the quota either.
        let full_rate =
            (f64::from(per_minute) / (60.0 + BURST_SECONDS)).max(MIN_CALLS_PER_SECOND / 60.0);
        Self {
            full_rate,
            buckets: Mutex::default(),
        }
    }

    /// Waits for a permit to call the operation.
    pub(super) async fn acquire(
        &self,
        operation: &'static str,
        ctx: &CallContext,
    ) -> Result<(), Interruption> {
        let wait = self.bucket(operation, Bucket::take);
        if wait.is_zero() {
            return Ok(());
        }
        let mut permit = Permit {
            limiter: self,
            operation,
            is_used: false,
        };
        ctx.wait(wait).await?;
        permit.is_used = true;
        Ok(())
    }

    /// Records that the service throttled the operation.
    pub(super) fn slow_down(&self, operation: &'static str) {
        self.bucket(operation, Bucket::slow_down);
    }

    /// Records that the service accepted a call of the operation.
    pub(super) fn speed_up(&self, operation: &'static str) {
        let full_rate = self.full_rate;
        self.bucket(operation, |bucket| {
            // Calls are made at about the rate, so each one adds its share of a second's recovery.
            let recovery = full_rate * RECOVERY_PER_SECOND / bucket.rate;
            bucket.rate = (bucket.rate + recovery).min(full_rate);
        });
    }

    fn bucket<T>(&self, operation: &'static str, f: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.entry(operation).or_insert_with(|| Bucket {
            rate: self.full_rate,
            filled_at: Instant::now(),
            slowed_at: None,
        });
        f(bucket)
    }
}

/// A permit that a call waits for. It is returned to the bucket if the wait is interrupted or dropped.
struct Permit<'a> {
    limiter: &'a RateLimiter,
    operation: &'static str,
    is_used: bool,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.limiter.bucket(self.operation, Bucket::put_back);
        }
    }
}

impl Bucket {
    /// Takes a token and returns how long to wait for it.
    fn take(&mut self) -> Duration {
        let now = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / self.rate);
        let burst = interval.mul_f64((self.rate * BURST_SECONDS).max(1.0));
        self.filled_at = self.filled_at.max(now) + interval;
        self.filled_at.saturating_duration_since(now + burst)
    }

    /// Puts an unused token back, so that later calls need not wait for it.
    fn put_back(&mut self) {
        let interval = Duration::from_secs_f64(1.0 / self.rate);
        self.filled_at = self
            .filled_at
            .checked_sub(interval)
            .unwrap_or(self.filled_at);
    }

    fn slow_down(&mut self) {
        let now = Instant::now();
        if self
            .slowed_at
            .is_some_and(|before| now - before < SLOWDOWN_INTERVAL)
        {
            return;
        }
        self.slowed_at = Some(now);
        self.rate = (self.rate * SLOWDOWN_FACTOR).max(MIN_CALLS_PER_SECOND.min(self.rate));
        // The quota is exhausted: there are no tokens for a burst.
        self.filled_at = self
            .filled_at
            .max(now + Duration::from_secs_f64(BURST_SECONDS));
    }
}

#[cfg(test)]
mod tests;
