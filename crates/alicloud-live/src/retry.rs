use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, debug, debug_span, field};

use super::attempts::Attempts;
use super::call::{
    ApiCall, ApiResponse, FailedAttempt, FailedCall, OperationKind, ResponseTime, SentRequest,
};
use super::call_context::Interruption;
use super::clock::timestamp;
use super::error_codes::{ErrorClass, may_be_expired_keys, meaning};
use super::fences::is_caused_by_copy;
use super::outcome::told;
use super::request::{SignedRequest, nonce};
use super::transport::{Access, Connection};
use super::{Ambiguous, ApiError, CallContext, CallError, Failure, LiveClient, NotSent, response};

/// Signed bytes are valid for 15 minutes by the server's clock; this leaves room for skew and for the way.
pub(super) const REPLAY_VALIDITY: Duration = Duration::from_secs(10 * 60);

/// A write of which a copy may have arrived.
struct InDoubt {
    sent: SentRequest,
    /// A later copy was rejected, and may have used up the nonce.
    was_rejected: bool,
}

impl From<Interruption> for NotSent {
    fn from(ended: Interruption) -> Self {
        match ended {
            Interruption::Cancelled => Self::Cancelled,
            Interruption::DeadlineExceeded => Self::DeadlineExceeded,
        }
    }
}

impl LiveClient {
    /// Makes a call, again where that is safe and useful, until it succeeds or `ctx` ends.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, CallError> {
        self.call_keeping_request(call, ctx)
            .await
            .map_err(|failed| failed.error)
    }

    /// As [`Self::call`]; keeps the request that was sent last, for those who must find out what became of it.
    pub(super) async fn call_keeping_request<T: DeserializeOwned>(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, FailedCall> {
        let span = self.span(call);
        self.call_in_attempts(call, ctx).instrument(span).await
    }

    /// What every line of the log about this call says: its cluster, its job, if there is one, and the endpoint.
    pub(super) fn span(&self, call: &ApiCall) -> Span {
        let span = debug_span!(
            "call",
            cluster = field::Empty,
            job = field::Empty,
            endpoint = %self.request.endpoint,
        );
        for (name, parameter) in [("cluster", "ClusterId"), ("job", "JobId")] {
            if let Some(value) = call.parameter(parameter) {
                span.record(name, value);
            }
        }
        span
    }

    async fn call_in_attempts<T: DeserializeOwned>(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, FailedCall> {
        if let Some(reason) = self.begin(call, ctx) {
            let error = self.error(call.action, 0, Failure::NotSent(reason));
            return Err(FailedCall { error, sent: None });
        }
        let mut attempts = Attempts::begin();
        let mut connection = Connection::Any;
        let mut in_doubt: Option<InDoubt> = None;
        let mut failed_before = None;
        loop {
            in_doubt = in_doubt.filter(|copy| self.clock.age(copy.sent.at) < REPLAY_VALIDITY);
            let (attempt, sent) = match self.next_request(call, in_doubt.as_ref(), ctx).await {
                Ok(sent) => {
                    let attempt = self.attempt(&sent.request, call.kind, connection, ctx);
                    (attempt.await, Some(sent))
                }
                Err(not_sent) => (Err(Failure::NotSent(not_sent).into()), None),
            };
            self.outage
                .note_attempt(attempt.as_ref().err().map(|failed| &failed.failure));
            let failed = match attempt {
                Ok(answer) => {
                    let settled = sent.is_some_and(|sent| self.fences.settle(call, &sent, None));
                    if settled && self.fences.next(call, &self.clock).is_some() {
                        continue;
                    }
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            attempts.made += 1;
            let delay = self.delay(
                call,
                &failed,
                sent.as_ref(),
                in_doubt.as_ref(),
                &mut attempts,
                ctx,
            );
            if !matches!(failed.failure, Failure::Rejected(_)) {
                connection = Connection::New;
            }
            in_doubt = still_in_doubt(in_doubt, &failed.failure, call.kind, sent.as_ref());

            let error = self.error(call.action, attempts.made, failed.failure);
            let failed = told(failed_before, FailedCall { error, sent }, call.kind, ctx);
            let Some(delay) = delay else {
                if call.kind != OperationKind::Prefetch {
                    self.outage.note_call(&failed.error.failure);
                }
                return Err(self.ended(call, failed, in_doubt));
            };
            debug!(action = call.action, attempts = attempts.made, delay_ms = delay.as_millis(), error = %failed.error, "will retry");
            if ctx.wait(delay).await.is_err() {
                return Err(self.ended(call, failed, in_doubt));
            }
            failed_before = Some(failed);
        }
    }

    /// Before the first attempt. `Some` says that there is none, and why.
    fn begin(&self, call: &ApiCall, ctx: &CallContext) -> Option<NotSent> {
        if call.kind.changes() {
            // Before it is sent, so that it holds whatever becomes of it.
            self.refreshes.invalidate(call.cluster_id());
        }
        self.outage.known_to(ctx)
    }

    /// How long to wait before the next attempt, and `None` where there is none.
    fn delay(
        &self,
        call: &ApiCall,
        failed: &FailedAttempt,
        sent: Option<&SentRequest>,
        in_doubt: Option<&InDoubt>,
        attempts: &mut Attempts,
        ctx: &CallContext,
    ) -> Option<Duration> {
        let failure = &failed.failure;
        let settles = |sent| self.fences.settle(call, sent, Some(failure));
        if self.renew_rejected_credentials(failed, sent, attempts)
            || (sent.is_some_and(settles) && is_caused_by_copy(failure))
            || is_nonce_of_rejected_copy(failure, in_doubt)
        {
            return Some(Duration::ZERO);
        }
        attempts.delay(call.kind, failed, &self.retry, ctx, self.random.bits())
    }

    /// The failure of a call, and a note of the copy that it may leave behind.
    fn ended(&self, call: &ApiCall, failed: FailedCall, in_doubt: Option<InDoubt>) -> FailedCall {
        if let Some(copy) = in_doubt {
            self.fences.add(call, &copy.sent, &self.clock);
        }
        failed
    }

    /// The request of the next attempt: the same bytes as long as it is open whether they arrived, and a new signature
    /// otherwise.
    async fn next_request(
        &self,
        call: &ApiCall,
        in_doubt: Option<&InDoubt>,
        ctx: &CallContext,
    ) -> Result<SentRequest, NotSent> {
        match in_doubt {
            Some(copy) => {
                self.rate_limiter.acquire(call.action, ctx).await?;
                Ok(copy.sent.clone())
            }
            None => Ok(SentRequest {
                request: self.prepare(call, ctx).await?,
                at: self.clock.moment(),
            }),
        }
    }

    /// Waits for a place in the quota, then signs: credentials, nonce and timestamp are never older than the wait.
    pub(super) async fn prepare(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<SignedRequest, NotSent> {
        self.rate_limiter.acquire(call.action, ctx).await?;
        let credentials = tokio::select! {
            biased;
            ended = ctx.done() => Err(ended.into()),
            obtained = self.credentials.get() => obtained.map_err(NotSent::NoCredentials),
        }?;
        let (credentials, nonce) = if let Some(copy) = self.fences.next(call, &self.clock) {
            (copy.credentials, copy.nonce)
        } else {
            let nonce = self.random.bits().map(nonce);
            (credentials, nonce.ok_or(NotSent::NoNonce)?)
        };
        Ok(self.request.sign(
            call.action,
            &call.parameters,
            credentials,
            &nonce,
            &timestamp(self.clock.now()),
        ))
    }

    /// Sends a signed request once and reads the answer, taking note of what it says about quota and clock.
    pub(super) async fn attempt<T: DeserializeOwned>(
        &self,
        request: &SignedRequest,
        kind: OperationKind,
        connection: Connection,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, FailedAttempt> {
        let effect = if kind.changes() {
            Access::Write
        } else {
            Access::Read
        };
        let (begun, requested) = (Instant::now(), self.clock.moment());
        let raw = self
            .transport
            .send(request, effect, connection, ctx)
            .await?;
        response::log(request.action, &raw, &request.credentials, begun.elapsed());
        match response::interpret(&raw, &request.credentials) {
            Ok(value) => {
                self.rate_limiter.speed_up(request.action);
                Ok(ApiResponse {
                    value,
                    time: raw.date.map(|date| ResponseTime { date, requested }),
                })
            }
            Err(failure) => {
                match (rejection_meaning(&failure), raw.date) {
                    (Some(ErrorClass::Throttled), _) => self.rate_limiter.slow_down(request.action),
                    (Some(ErrorClass::ClockSkew), Some(date)) => {
                        self.clock.learn(date);
                        self.credentials.learn_time(date);
                    }
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
    fn renew_rejected_credentials(
        &self,
        failed: &FailedAttempt,
        sent: Option<&SentRequest>,
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

    pub(super) fn error(&self, action: &'static str, attempts: u32, failure: Failure) -> CallError {
        CallError {
            action,
            endpoint: self.request.endpoint.to_string(),
            attempts,
            failure,
            rejection: None,
        }
    }
}

/// Whether this answer was caused by a copy of our own that was rejected: then the nonce is used up, no other copy can
/// arrive any more, and nothing stands against a new signature.
fn is_nonce_of_rejected_copy(failure: &Failure, in_doubt: Option<&InDoubt>) -> bool {
    matches!(failure, Failure::Ambiguous(Ambiguous::AlreadyReceived(_)))
        && in_doubt.is_some_and(|in_doubt| in_doubt.was_rejected)
}

/// Whether after another failed attempt a copy of a write may still be on its way.
fn still_in_doubt(
    before: Option<InDoubt>,
    failure: &Failure,
    kind: OperationKind,
    sent: Option<&SentRequest>,
) -> Option<InDoubt> {
    match failure {
        _ if kind != OperationKind::IdempotentWrite => None,
        Failure::NotSent(_) => before,
        Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => None,
        Failure::Ambiguous(_) => before.or_else(|| {
            sent.cloned().map(|sent| InDoubt {
                sent,
                was_rejected: false,
            })
        }),
        Failure::Rejected(error) => match meaning(&error.code, error.status) {
            ErrorClass::Throttled => before.map(|before| InDoubt {
                was_rejected: true,
                ..before
            }),
            // For its timestamp or its credentials: no copy of these bytes is accepted any more.
            _ => None,
        },
    }
}

fn rejection_meaning(failure: &Failure) -> Option<ErrorClass> {
    match failure {
        Failure::Rejected(ApiError { code, status, .. }) => Some(meaning(code, *status)),
        Failure::NotSent(_) | Failure::Ambiguous(_) => None,
    }
}
