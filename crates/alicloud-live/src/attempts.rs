use std::time::Duration;

use tokio::time::Instant;

use super::call::{FailedAttempt, OperationKind};
use super::error_codes::{ErrorClass, meaning};
use super::{Ambiguous, CallContext, Failure, NotSent, RetryPolicy, backoff};

/// The longest wait between attempts of a recovery: that an outage has ended is noticed this soon.
const MAX_RECOVERY_BACKOFF: Duration = Duration::from_secs(2);

/// The attempts of one call. Throttled ones are counted apart: they say that the service is busy, not that anything is
/// wrong, so they use up no attempt of the others and do not lengthen the waits between these.
pub(super) struct Attempts {
    began: Instant,
    /// For any reason.
    pub(super) made: u32,
    failed: u32,
    throttled: u32,
    clock_corrected: bool,
    pub(super) credentials_renewed: bool,
}

/// How often an attempt that failed like this may be made again.
enum Repeat {
    Never,
    AtOnce,
    /// As often as [`RetryPolicy::attempts`] allows.
    Counted,
    /// Until the call's deadline.
    Throttled,
}

impl Attempts {
    /// None yet, of a call that begins now.
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            made: 0,
            failed: 0,
            throttled: 0,
            clock_corrected: false,
            credentials_renewed: false,
        }
    }

    /// How long to wait before the call is made again; `None` where it must not be.
    pub(super) fn delay(
        &mut self,
        kind: OperationKind,
        failed: &FailedAttempt,
        policy: &RetryPolicy,
        ctx: &CallContext,
        random: Option<u128>,
    ) -> Option<Duration> {
        let failures = match self.repeat(kind, &failed.failure, ctx) {
            Repeat::Never => return None,
            Repeat::AtOnce => return Some(Duration::ZERO),
            Repeat::Counted => {
                self.failed += 1;
                if self.failed >= policy.attempts && !ctx.is_recovery() {
                    return None;
                }
                self.failed
            }
            Repeat::Throttled => {
                self.throttled += 1;
                self.throttled
            }
        };
        let delay =
            backoff::delay(policy, failures, random).max(failed.retry_after.unwrap_or_default());
        if ctx.is_recovery() {
            return Some(delay.min(MAX_RECOVERY_BACKOFF));
        }
        let elapsed = self.began.elapsed().saturating_add(delay);
        let is_in_time = policy.max_elapsed.is_none_or(|max| elapsed <= max);
        is_in_time.then_some(delay)
    }

    fn repeat(&mut self, kind: OperationKind, failure: &Failure, ctx: &CallContext) -> Repeat {
        match (kind, self.repeat_if_needed(kind, failure, ctx)) {
            // Whoever needs it asks again. But a clock that is off would fail every such read of a process.
            (OperationKind::Prefetch, Repeat::Counted | Repeat::Throttled) => Repeat::Never,
            (_, repeat) => repeat,
        }
    }

    fn repeat_if_needed(
        &mut self,
        kind: OperationKind,
        failure: &Failure,
        ctx: &CallContext,
    ) -> Repeat {
        match failure {
            Failure::NotSent(NotSent::NoConnection(_)) => Repeat::Counted,
            Failure::NotSent(NotSent::NoCredentials(error)) if error.is_transient => {
                Repeat::Counted
            }
            // It stays so for as long as nobody acts, but perhaps not behind every address of the endpoint.
            Failure::NotSent(NotSent::UntrustedCertificate(_)) if ctx.is_recovery() => {
                Repeat::Counted
            }
            Failure::Rejected(error) => match meaning(&error.code, error.status) {
                ErrorClass::Throttled => Repeat::Throttled,
                ErrorClass::ClockSkew if !self.clock_corrected => {
                    self.clock_corrected = true;
                    Repeat::AtOnce
                }
                _ => Repeat::Never,
            },
            Failure::NotSent(_) | Failure::Ambiguous(Ambiguous::Cancelled) => Repeat::Never,
            Failure::Ambiguous(_) if kind == OperationKind::Create => Repeat::Never,
            // A copy has arrived, so none is on its way any more: the next attempt is signed anew.
            Failure::Ambiguous(_) => Repeat::Counted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiError;

    fn failed(failure: Failure) -> FailedAttempt {
        failure.into()
    }

    fn throttled() -> FailedAttempt {
        failed(Failure::Rejected(ApiError {
            status: 400,
            code: "Throttling.User".to_owned(),
            message: String::new(),
            request_id: String::new(),
            access_denied: None,
        }))
    }

    fn lost() -> FailedAttempt {
        failed(Failure::Ambiguous(Ambiguous::TimedOut(Duration::ZERO)))
    }

    /// The longest wait after each of these failures.
    fn delays(failures: &[FailedAttempt], ctx: &CallContext) -> Vec<Option<u64>> {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            attempts: 4,
            max_elapsed: None,
        };
        let mut attempts = Attempts::begin();
        failures
            .iter()
            .map(|failed| {
                let most = Some(u128::MAX);
                let delay =
                    attempts.delay(OperationKind::IdempotentWrite, failed, &policy, ctx, most);
                delay.map(|delay| delay.as_secs())
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_but_a_recovery_is_repeated_when_the_time_for_that_is_over() {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(4),
            attempts: u32::MAX,
            max_elapsed: Some(Duration::from_secs(20)),
        };
        for failed in [lost(), throttled()] {
            for (ctx, is_ended) in [
                (CallContext::without_cancel(Duration::from_secs(600)), true),
                (CallContext::recovery(Duration::from_secs(600)), false),
            ] {
                let mut attempts = Attempts::begin();
                let begun = Instant::now();
                let mut delays = 0;
                while begun.elapsed() < Duration::from_secs(100) {
                    let delay = attempts.delay(
                        OperationKind::IdempotentWrite,
                        &failed,
                        &policy,
                        &ctx,
                        Some(u128::MAX),
                    );
                    let Some(delay) = delay else { break };
                    tokio::time::sleep(delay).await;
                    delays += 1;
                }
                assert_eq!(begun.elapsed() <= Duration::from_secs(20), is_ended);
                // 1 + 2 + 4 + 4 + 4 + 4
                assert!(delays >= 6, "{delays}");
            }
        }
    }

    #[tokio::test]
    async fn a_read_ahead_is_repeated_only_where_the_clock_was_wrong() {
        let rejected = |code: &str| {
            failed(Failure::Rejected(ApiError {
                status: 400,
                code: code.to_owned(),
                message: String::new(),
                request_id: String::new(),
                access_denied: None,
            }))
        };
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let policy = RetryPolicy::default();
        let mut attempts = Attempts::begin();
        let mut delay =
            |failed| attempts.delay(OperationKind::Prefetch, &failed, &policy, &ctx, None);
        assert_eq!(delay(throttled()), None);
        assert_eq!(delay(lost()), None);
        assert_eq!(
            delay(rejected("InvalidTimeStamp.Expired")),
            Some(Duration::ZERO)
        );
        assert_eq!(delay(rejected("InvalidTimeStamp.Expired")), None);
    }

    #[tokio::test]
    async fn throttled_attempts_use_up_no_others_and_lengthen_no_wait_but_their_own() {
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let failures = [
            throttled(),
            throttled(),
            throttled(),
            throttled(),
            throttled(),
            lost(),
            throttled(),
            lost(),
            lost(),
            lost(),
        ];
        let expected = [1, 2, 4, 8, 16, 1, 32, 2, 4].map(Some);
        let expected: Vec<_> = expected.into_iter().chain([None]).collect();
        assert_eq!(delays(&failures, &ctx), expected);
    }

    #[tokio::test]
    async fn a_recovery_is_retried_often_and_without_end() {
        let ctx = CallContext::recovery(Duration::from_secs(60));
        let failures: Vec<_> = (0..100)
            .map(|number| if number % 2 == 0 { lost() } else { throttled() })
            .collect();
        let all = delays(&failures, &ctx);
        assert!(all.iter().all(|delay| delay.is_some_and(|s| s <= 2)));
        let hinted = FailedAttempt {
            retry_after: Some(Duration::from_secs(60)),
            ..throttled()
        };
        assert_eq!(delays(&[hinted], &ctx), [Some(2)]);
    }
}
