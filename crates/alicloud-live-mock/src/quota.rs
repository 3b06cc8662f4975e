//! The limit of calls of each operation per minute.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::behavior::Behavior;

/// The calls of each operation in its current minute, which begins with the first call after the previous minute.
#[derive(Debug, Default)]
pub(super) struct Quota {
    minutes: HashMap<String, (Instant, u32)>,
}

impl Quota {
    /// Counts a call. Returns false if it exceeds the limit.
    pub(super) fn take(&mut self, action: &str, behavior: &Behavior, now: Instant) -> bool {
        let Some(limit) = behavior.max_requests_per_minute else {
            return true;
        };
        let (began, calls) = self.minutes.entry(action.to_owned()).or_insert((now, 0));
        if now.duration_since(*began) >= Duration::from_millis(behavior.rate_window_ms) {
            (*began, *calls) = (now, 0);
        }
        *calls = calls.saturating_add(1);
        *calls <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_counts_calls_of_each_operation_per_minute() {
        let (mut quota, start) = (Quota::default(), Instant::now());
        let behavior = Behavior {
            max_requests_per_minute: Some(2),
            ..Behavior::default()
        };
        let mut take =
            |action, seconds| quota.take(action, &behavior, start + Duration::from_secs(seconds));
        assert_eq!(
            [take("A", 0), take("A", 1), take("A", 59)],
            [true, true, false]
        );
        assert!(take("B", 59));
        assert!(take("A", 60));
        assert!(Quota::default().take("A", &Behavior::default(), start));
    }
}
