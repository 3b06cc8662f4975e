use std::time::Duration;

use tokio::time::Instant;

use super::call::{FailedAttempt, OperationKind};
use super::error_codes::ErrorClass;
use super::{Ambiguous, CallContext, Failure, NotSent, RetryPolicy, backoff};

/// The longest wait between attempts of a recovery, so that it notices the end of an outage soon.
const MAX_RECOVERY_BACKOFF: Duration = Duration::from_secs(2);

/// The attempts of one call. Throttled ones are counted separately: they mean that the service is busy, not that anything
/// is wrong, so they do not count towards the maximum and do not lengthen the waits between others.
pub(super) struct Attempts {
    pub(super) started_at: Instant,
    /// All attempts.
    pub(super) count: u32,
    failed: u32,
    throttled: u32,
    clock_corrected: bool,
    pub(super) credentials_renewed: bool,
}

/// How often a failure may be retried.
enum Retries {
    Never,
    /// Once, without a wait.
    Immediately,
    /// Up to [`RetryPolicy::max_attempts`].
    Counted,
    /// Until the call's deadline.
    Throttled,
}

impl Attempts {
    /// Returns the state of a call that starts now.
    pub(super) fn new() -> Self {
        Self {
            started_at: Instant::now(),
            count: 0,
            failed: 0,
            throttled: 0,
            clock_corrected: false,
            credentials_renewed: false,
        }
    }

    /// Returns how long to wait before the next attempt; `None` if there must not be one.
    pub(super) fn retry_delay(
        &mut self,
        kind: OperationKind,
        failed: &FailedAttempt,
        policy: &RetryPolicy,
        ctx: &CallContext,
        random: Option<u128>,
    ) -> Option<Duration> {
        let failures = match self.retries(kind, &failed.failure, ctx) {
            Retries::Never => return None,
            Retries::Immediately => return Some(Duration::ZERO),
            Retries::Counted => {
                self.failed += 1;
                // An unknown code may mean that the job is already as it is to be. The caller reads it to find out.
                let is_unlimited = ctx.is_recovery() && !has_unknown_code(&failed.failure);
                if self.failed >= policy.max_attempts && !is_unlimited {
                    return None;
                }
                self.failed
            }
            Retries::Throttled => {
                self.throttled += 1;
                self.throttled
            }
        };
        let delay =
            backoff::delay(policy, failures, random).max(failed.retry_after.unwrap_or_default());
        if ctx.is_recovery() {
            return Some(delay.min(MAX_RECOVERY_BACKOFF));
        }
        let elapsed = self.started_at.elapsed().saturating_add(delay);
        let is_in_time = policy.max_elapsed.is_none_or(|max| elapsed <= max);
        is_in_time.then_some(delay)
    }

    fn retries(&mut self, kind: OperationKind, failure: &Failure, ctx: &CallContext) -> Retries {
        let retries = match failure {
            Failure::NotSent(NotSent::NoConnection(_)) => Retries::Counted,
            // It is permanent, but another address of the endpoint may have another certificate.
            Failure::NotSent(NotSent::UntrustedCertificate(_)) if ctx.is_recovery() => {
                Retries::Counted
            }
            Failure::Rejected(error) => match error.class() {
                ErrorClass::Throttled => Retries::Throttled,
                ErrorClass::ClockSkew if !self.clock_corrected => {
                    self.clock_corrected = true;
                    Retries::Immediately
                }
                _ => Retries::Never,
            },
            Failure::NotSent(_) | Failure::Ambiguous(Ambiguous::Cancelled) => Retries::Never,
            Failure::Ambiguous(_) if kind == OperationKind::Create => Retries::Never,
            // After `AlreadyReceived`, no copy can arrive later, and the next attempt has a new signature.
            Failure::Ambiguous(_) => Retries::Counted,
        };
        match (kind, retries) {
            // If its result is needed, it is requested again. But a wrong clock would fail every prefetch of a process.
            (OperationKind::Prefetch, Retries::Counted | Retries::Throttled) => Retries::Never,
            (_, retries) => retries,
        }
    }
}

fn has_unknown_code(failure: &Failure) -> bool {
    matches!(failure, Failure::Ambiguous(Ambiguous::UnknownCode(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiError;

    fn rejected(code: &str) -> FailedAttempt {
        Failure::Rejected(ApiError::of_code(code)).into()
    }

    fn throttled() -> FailedAttempt {
        rejected("Throttling.User")
    }

    fn lost() -> FailedAttempt {
        Failure::Ambiguous(Ambiguous::TimedOut(Duration::ZERO)).into()
    }

    fn longest_delay(
        attempts: &mut Attempts,
        failed: &FailedAttempt,
        policy: &RetryPolicy,
        ctx: &CallContext,
    ) -> Option<Duration> {
        let kind = OperationKind::IdempotentWrite;
        attempts.retry_delay(kind, failed, policy, ctx, Some(u128::MAX))
    }

    /// Returns the longest wait after each of these failures, in seconds.
    fn delays(failures: &[FailedAttempt], ctx: &CallContext) -> Vec<Option<u64>> {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            max_attempts: 4,
            ..RetryPolicy::default()
        };
        let mut attempts = Attempts::new();
        failures
            .iter()
            .map(|failed| {
                let delay = longest_delay(&mut attempts, failed, &policy, ctx);
                delay.map(|delay| delay.as_secs())
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_maximum_elapsed_time_only_a_recovery_is_retried() {
        let policy = RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(4),
            max_attempts: u32::MAX,
            max_elapsed: Some(Duration::from_secs(20)),
        };
        for failed in [lost(), throttled()] {
            for (ctx, ends) in [
                (CallContext::without_cancel(Duration::from_secs(600)), true),
                (CallContext::recovery(Duration::from_secs(600)), false),
            ] {
                let mut attempts = Attempts::new();
                let started_at = Instant::now();
                let mut delays = 0;
                while started_at.elapsed() < Duration::from_secs(100) {
                    let delay = longest_delay(&mut attempts, &failed, &policy, &ctx);
                    let Some(delay) = delay else { break };
                    tokio::time::sleep(delay).await;
                    delays += 1;
                }
                assert_eq!(started_at.elapsed() <= Duration::from_secs(20), ends);
                // 1 + 2 + 4 + 4 + 4 + 4
                assert!(delays >= 6, "{delays}");
            }
        }
    }

    #[tokio::test]
    async fn a_prefetch_is_retried_only_after_a_clock_correction() {
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let policy = RetryPolicy::default();
        let mut attempts = Attempts::new();
        let mut delay =
            |failed| attempts.retry_delay(OperationKind::Prefetch, &failed, &policy, &ctx, None);
        assert_eq!(delay(throttled()), None);
        assert_eq!(delay(lost()), None);
        let clock_skew = || rejected("InvalidTimeStamp.Expired");
        assert_eq!(delay(clock_skew()), Some(Duration::ZERO));
        assert_eq!(delay(clock_skew()), None);
    }

    #[tokio::test]
    async fn throttled_attempts_are_counted_separately_and_lengthen_only_their_own_waits() {
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let (t, l) = (throttled, lost);
        let failures = [t(), t(), t(), t(), t(), l(), t(), l(), l(), l()];
        let mut expected = [1, 2, 4, 8, 16, 1, 32, 2, 4].map(Some).to_vec();
        expected.push(None);
        assert_eq!(delays(&failures, &ctx), expected);
    }

    #[tokio::test]
    async fn a_recovery_is_retried_often_and_without_limit() {
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

    /// The start of a job that somebody has started meanwhile, say.
    #[tokio::test]
    async fn a_recovery_is_asked_what_is_the_case_after_rejections_with_an_unknown_code() {
        let unknown = || {
            let FailedAttempt {
                failure: Failure::Rejected(error),
                ..
            } = rejected("JobIsRunning")
            else {
                unreachable!("it is rejected")
            };
            FailedAttempt::from(Failure::Ambiguous(Ambiguous::UnknownCode(error)))
        };
        let ctx = CallContext::recovery(Duration::from_secs(60));
        let failures: Vec<_> = (0..4).map(|_| unknown()).collect();
        assert_eq!(delays(&failures, &ctx)[3], None);
    }

    #[tokio::test]
    async fn only_a_recovery_retries_after_an_untrusted_certificate() {
        let untrusted = || Failure::NotSent(NotSent::UntrustedCertificate("it expired".to_owned()));
        for (ctx, is_retried) in [
            (CallContext::recovery(Duration::from_secs(60)), true),
            (CallContext::without_cancel(Duration::from_secs(60)), false),
        ] {
            let [delay] = delays(&[untrusted().into()], &ctx)[..] else {
                unreachable!("one failure has one delay")
            };
            assert_eq!(delay.is_some(), is_retried);
        }
    }
}
