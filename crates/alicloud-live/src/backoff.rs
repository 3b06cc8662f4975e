use std::time::Duration;

use super::RetryPolicy;

/// Returns how long to wait after `attempts` failed attempts: exponential, with full jitter from `random` bits. Without
/// random bits, the wait is half the bound.
///
/// Full jitter (anything from zero to the bound) spreads callers that failed together better than a fixed wait with
/// a little noise: see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
pub(super) fn delay(policy: &RetryPolicy, attempts: u32, random: Option<u128>) -> Duration {
    bound(policy, attempts).mul_f64(random.map_or(0.5, share))
}

fn bound(policy: &RetryPolicy, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    policy
        .initial_backoff
        .saturating_mul(1 << doublings)
        .min(policy.max_backoff)
}

/// Converts random bits to a number from 0 to 1.
fn share(random: u128) -> f64 {
    let bits = u32::try_from(random >> 96).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_its_limit() {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(3),
            ..RetryPolicy::default()
        };
        let bounds: Vec<_> = (1..=5)
            .map(|attempts| bound(&policy, attempts).as_millis())
            .collect();
        assert_eq!(bounds, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(bound(&policy, u32::MAX), policy.max_backoff);
        for attempts in 1..50 {
            let bound = bound(&policy, attempts);
            assert_eq!(delay(&policy, attempts, Some(0)), Duration::ZERO);
            assert_eq!(delay(&policy, attempts, None), bound / 2);
            assert_eq!(delay(&policy, attempts, Some(u128::MAX)), bound);
        }
    }
}
