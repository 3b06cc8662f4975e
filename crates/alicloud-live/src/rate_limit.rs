use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::CallContext;
use super::call_context::Interruption;

/// Calls that may be made at once after a pause, as a share of a second's worth: at the published quota as many as
/// Terraform makes at a time. More would be refused where the service counts by the second.
const BURST_SECONDS: f64 = 0.1;
/// The rate never falls below this.
const MIN_BYTES_PER_SECOND: f64 = 1.0;
/// A throttled call says nothing new within this time after another one.
const ONE_SLOWDOWN: Duration = Duration::from_secs(1);
/// What is left of the rate after a throttled call.
const SLOWDOWN: f64 = 0.7;
/// How much of the full rate comes back in a second without throttling.
const RECOVERY_PER_SECOND: f64 = 0.02;

/// Keeps each operation within its quota: a token bucket per operation, whose rate is lowered when the service
/// throttles and grows back with successes, so that several processes on one account find their share.
///
/// Its times are monotonic ones, which stand still while the machine sleeps: then it waits for a quota that has come back
/// already, a tenth of a second at most, and never exceeds one.
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
        // A minute that begins with a burst keeps to the quota, too.
        let full_rate =
            (f64::from(per_minute) / (60.0 + BURST_SECONDS)).max(MIN_BYTES_PER_SECOND / 60.0);
        Self {
            full_rate,
            buckets: Mutex::default(),
        }
    }

    /// Waits for a place in the operation's quota.
    pub(super) async fn acquire(
        &self,
        action: &'static str,
        ctx: &CallContext,
    ) -> Result<(), Interruption> {
        let wait = self.bucket(action, Bucket::take);
        if wait.is_zero() {
            return Ok(());
        }
        let mut place = Permit {
            limiter: self,
            action,
            is_used: false,
        };
        ctx.wait(wait).await?;
        place.is_used = true;
        Ok(())
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

/// A place that is waited for. Who gives up waiting, for whatever reason, gives it back.
struct Permit<'a> {
    limiter: &'a RateLimiter,
    action: &'static str,
    is_used: bool,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.limiter.bucket(self.action, Bucket::give_back);
        }
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

    /// A token that was taken is not used: those who come next need not wait for it.
    fn give_back(&mut self) {
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
            .is_some_and(|before| now - before < ONE_SLOWDOWN)
        {
            return;
        }
        self.slowed_at = Some(now);
        self.rate = (self.rate * SLOWDOWN).max(MIN_BYTES_PER_SECOND.min(self.rate));
        // The quota is used up: whatever was saved for a burst is worth nothing.
        self.filled_at = self
            .filled_at
            .max(now + Duration::from_secs_f64(BURST_SECONDS));
    }
}

#[cfg(test)]
mod tests;
