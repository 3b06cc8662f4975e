use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::debug;

use super::codes::{Meaning, may_be_expired_keys, meaning};
use super::request::{Parameters, SignedRequest, nonce};
use super::scope::Ended;
use super::transport::Effect;
use super::{Ambiguous, ApiError, CallError, Failure, LiveClient, NotSent, Scope, backoff, reply};

/// One operation to be called.
pub(super) struct Call {
    pub(super) action: &'static str,
    pub(super) parameters: Parameters,
    pub(super) kind: Kind,
}

impl Call {
    /// The cluster that it concerns.
    fn cluster_id(&self) -> &str {
        self.parameters
            .iter()
            .find(|(name, _)| *name == "ClusterId")
            .map_or("", |(_, value)| value)
    }
}

/// What a repetition of a call would do. Decides which failures allow one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Changes nothing: repeated after any passing failure, abandoned at once on a stop.
    Read,
    /// A read that may turn out not to be needed, and is asked for again when it is: made once.
    ReadAhead,
    /// Doing it twice is as doing it once, or the second time is refused: repeated after any passing failure.
    IdempotentWrite,
    /// Doing it twice makes two: repeated only when nothing was done, which is certain when it was not sent, and when it
    /// was refused for throttling, for the clock or for expired keys.
    Create,
}

impl Kind {
    fn changes(self) -> bool {
        matches!(self, Self::IdempotentWrite | Self::Create)
    }
}

/// A successful answer, and the server's clock when it was given.
pub(super) struct Answer<T> {
    pub(super) value: T,
    pub(super) date: Option<OffsetDateTime>,
}

/// A request that was sent, and when: for a create, no job that it made can be older.
pub(super) struct Sent {
    pub(super) request: SignedRequest,
    pub(super) at: Instant,
}

/// A failed call, and the request of its last attempt unless that was never sent.
pub(super) struct FailedCall {
    pub(super) error: CallError,
    pub(super) sent: Option<Sent>,
}

/// A failed attempt, and the wait that the server asked for.
pub(super) struct FailedAttempt {
    pub(super) failure: Failure,
    retry_after: Option<Duration>,
}

impl From<Failure> for FailedAttempt {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}

impl From<Ended> for NotSent {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Stopped => Self::Stopped,
            Ended::OutOfTime => Self::OutOfTime,
        }
    }
}

impl LiveClient {
    /// Makes a call, again where that is safe and useful, until it succeeds or `scope` ends.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        call: &Call,
        scope: &Scope,
    ) -> Result<Answer<T>, CallError> {
        self.call_remembering(call, scope)
            .await
            .map_err(|failed| failed.error)
    }

    /// As [`Self::call`]; keeps the request that was sent last, for those who must find out what became of it.
    pub(super) async fn call_remembering<T: DeserializeOwned>(
        &self,
        call: &Call,
        scope: &Scope,
    ) -> Result<Answer<T>, FailedCall> {
        if call.kind.changes() {
            // Before it is sent, so that it holds whatever becomes of it.
            self.refreshes.note_write(call.cluster_id());
        }
        self.retry_budget.deposit();
        let mut attempts = Attempts::default();
        let mut earlier = None;
        loop {
            let (attempt, sent) = match self.prepare(call, scope).await {
                Ok(request) => {
                    let sent = Sent {
                        request,
                        at: Instant::now(),
                    };
                    (
                        self.attempt(&sent.request, call.kind, scope).await,
                        Some(sent),
                    )
                }
                Err(not_sent) => (Err(Failure::NotSent(not_sent).into()), None),
            };
            let failed = match attempt {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if says_nothing_new(&failed.failure, call.kind, scope)
                && let Some(earlier) = earlier
            {
                return Err(earlier);
            }
            attempts.made += 1;
            let delay = if self.has_newer_credentials(&failed, sent.as_ref(), &mut attempts) {
                Some(Duration::ZERO)
            } else {
                self.delay_before_repetition(call.kind, &failed, &mut attempts)
            };
            let error = self.error(call.action, attempts.made, failed.failure);
            let failed = FailedCall { error, sent };
            let Some(delay) = delay else {
                return Err(failed);
            };
            debug!(action = call.action, attempts = attempts.made, delay_ms = delay.as_millis(), error = %failed.error, "will retry");
            if scope.wait(delay).await.is_err() {
                return Err(failed);
            }
            earlier = Some(failed);
        }
    }

    /// Waits for a place in the quota, then signs: credentials, nonce and time stamp are never older than the wait.
    pub(super) async fn prepare(
        &self,
        call: &Call,
        scope: &Scope,
    ) -> Result<SignedRequest, NotSent> {
        self.rate_limiter
            .acquire(call.action, scope)
            .await
            .map_err(NotSent::from)?;
        let credentials = tokio::select! {
            biased;
            ended = scope.end() => Err(ended.into()),
            obtained = self.credentials.get() => obtained.map_err(NotSent::NoCredentials),
        }?;
        let nonce = self.random.bits().map(nonce).ok_or(NotSent::NoNonce)?;
        Ok(self.request.sign(
            call.action,
            &call.parameters,
            credentials,
            &nonce,
            &self.clock.timestamp(),
        ))
    }

    /// Sends a signed request once and reads the answer, taking note of what it says about quota and clock.
    pub(super) async fn attempt<T: DeserializeOwned>(
        &self,
        request: &SignedRequest,
        kind: Kind,
        scope: &Scope,
    ) -> Result<Answer<T>, FailedAttempt> {
        let effect = if kind.changes() {
            Effect::Changes
        } else {
            Effect::Reads
        };
        let begun = Instant::now();
        let raw = self.transport.send(request, effect, scope).await?;
        reply::log(request.action, &raw, &request.credentials, begun.elapsed());
        match reply::interpret(&raw, &request.credentials) {
            Ok(value) => {
                self.rate_limiter.speed_up(request.action);
                Ok(Answer {
                    value,
                    date: raw.date,
                })
            }
            Err(failure) => {
                match (rejection_meaning(&failure), raw.date) {
                    (Some(Meaning::Throttled), _) => self.rate_limiter.slow_down(request.action),
                    (Some(Meaning::ClockSkew), Some(date)) => self.clock.learn(date),
                    _ => {}
                }
                Err(FailedAttempt {
                    failure,
                    retry_after: raw.retry_after,
                })
            }
        }
    }

    /// Whether the attempt was refused for keys that have expired, and asking for others can help. Once a call.
    fn has_newer_credentials(
        &self,
        failed: &FailedAttempt,
        sent: Option<&Sent>,
        attempts: &mut Attempts,
    ) -> bool {
        let (Failure::Rejected(error), Some(sent)) = (&failed.failure, sent) else {
            return false;
        };
        let renews = may_be_expired_keys(&error.code)
            && !attempts.credentials_renewed
            && self.credentials.reject(&sent.request.credentials);
        attempts.credentials_renewed |= renews;
        renews
    }

    /// How long to wait before the call is made again; `None` where it must not be.
    fn delay_before_repetition(
        &self,
        kind: Kind,
        failed: &FailedAttempt,
        attempts: &mut Attempts,
    ) -> Option<Duration> {
        if kind == Kind::ReadAhead {
            return None;
        }
        let backoff = backoff::delay(&self.retry, attempts.made, self.random.bits())
            .max(failed.retry_after.unwrap_or_default());
        match &failed.failure {
            Failure::NotSent(NotSent::NoConnection(_)) => {
                self.may_repeat(attempts).then_some(backoff)
            }
            Failure::NotSent(NotSent::NoCredentials(error)) => {
                (error.is_passing && self.may_repeat(attempts)).then_some(backoff)
            }
            Failure::Rejected(error) => match meaning(&error.code, error.status) {
                Meaning::Throttled => Some(backoff),
                Meaning::ClockSkew if !attempts.clock_corrected => {
                    attempts.clock_corrected = true;
                    Some(Duration::ZERO)
                }
                _ => None,
            },
            Failure::NotSent(NotSent::Stopped | NotSent::OutOfTime | NotSent::NoNonce)
            | Failure::Ambiguous(Ambiguous::Stopped) => None,
            Failure::Ambiguous(_) if kind == Kind::Create => None,
            Failure::Ambiguous(_) => self.may_repeat(attempts).then_some(backoff),
        }
    }

    /// Bounds repetitions for every reason but throttling: each call alone, and all calls of the process together.
    fn may_repeat(&self, attempts: &Attempts) -> bool {
        attempts.made < self.retry.attempts && self.retry_budget.withdraw()
    }

    pub(super) fn error(&self, action: &'static str, attempts: u32, failure: Failure) -> CallError {
        CallError {
            action,
            endpoint: self.request.endpoint.to_string(),
            attempts,
            failure,
        }
    }
}

#[derive(Default)]
struct Attempts {
    made: u32,
    clock_corrected: bool,
    credentials_renewed: bool,
}

/// Whether there was too little time left for a repetition. What went wrong before it tells more; and where a write was
/// sent, only its own failure tells what is known of its effect.
fn says_nothing_new(failure: &Failure, kind: Kind, scope: &Scope) -> bool {
    match failure {
        Failure::NotSent(NotSent::OutOfTime) => true,
        Failure::Ambiguous(Ambiguous::TimedOut(_)) => {
            !kind.changes() && scope.ended() == Some(Ended::OutOfTime)
        }
        _ => false,
    }
}

fn rejection_meaning(failure: &Failure) -> Option<Meaning> {
    match failure {
        Failure::Rejected(ApiError { code, status, .. }) => Some(meaning(code, *status)),
        Failure::NotSent(_) | Failure::Ambiguous(_) => None,
    }
}

/// Bounds the repetitions of a whole process: in an outage a thousand calls must not become five thousand.
///
/// Every call pays in a fifth of a repetition, every repetition takes a whole one. A small stock lets the first
/// calls of a process repeat at once.
pub(super) struct RetryBudget {
    fifths: Mutex<u32>,
}

impl RetryBudget {
    const STOCK: u32 = 10 * 5;
    const LIMIT: u32 = 100 * 5;

    fn deposit(&self) {
        let mut fifths = self.fifths.lock().unwrap_or_else(PoisonError::into_inner);
        *fifths = (*fifths + 1).min(Self::LIMIT);
    }

    fn withdraw(&self) -> bool {
        let mut fifths = self.fifths.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *fifths >= 5;
        if enough {
            *fifths -= 5;
        }
        enough
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            fifths: Mutex::new(Self::STOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_outage_repetitions_are_bounded_by_a_fifth_of_the_calls_and_the_stock() {
        let budget = RetryBudget::default();
        let mut repetitions = 0;
        for _ in 0..1_000 {
            budget.deposit();
            while budget.withdraw() {
                repetitions += 1;
            }
        }
        assert_eq!(repetitions, 10 + 200);
    }

    #[test]
    fn quiet_times_do_not_save_up_repetitions_without_bound() {
        let budget = RetryBudget::default();
        for _ in 0..100_000 {
            budget.deposit();
        }
        let repetitions = std::iter::from_fn(|| budget.withdraw().then_some(())).count();
        assert_eq!(repetitions, 100);
    }
}
