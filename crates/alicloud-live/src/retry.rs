use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, debug, debug_span, field};

use super::attempts::Attempts;
use super::call::{
    ApiCall, ApiResponse, FailedAttempt, FailedCall, OperationKind, ResponseTime, SentRequest,
};
use super::error_codes::{ErrorClass, may_be_expired_credentials};
use super::late_writes::is_caused_by_late_write;
use super::outcome::merge_failures;
use super::request::SignedRequest;
use super::{Ambiguous, CallContext, CallError, Failure, LiveClient, NotSent, response};
use alicloud_auth::credentials::Credentials;
use alicloud_auth::signing::{nonce, timestamp};

/// A signed request is accepted for 15 minutes by the server's clock; the rest is a margin for skew and latency.
pub(super) const REPLAY_VALIDITY: Duration = Duration::from_secs(10 * 60);

impl LiveClient {
    /// Makes a call, with retries where they are safe and useful.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, CallError> {
        self.call_keeping_request(call, ctx)
            .await
            .map_err(|failed| failed.error)
    }

    /// As [`Self::call`], but keeps the sent request of a failed call.
    pub(super) async fn call_keeping_request<T: DeserializeOwned>(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, FailedCall> {
        if call.kind.is_write() {
            // Before it is sent, so that it is effective whatever the result is.
            self.refreshes.invalidate(call.cluster_id());
        }
        if let Some(reason) = self.outage.check(call.operation, ctx) {
            let error = self.error(call.operation, 0, Failure::NotSent(reason));
            return Err(FailedCall { error, sent: None });
        }
        let span = self.span(call);
        self.call_in_attempts(call, ctx).instrument(span).await
    }

    /// Returns a span with the fields of all log lines of a call: cluster, job if there is one, and endpoint.
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
        let mut attempts = Attempts::new();
        let mut needs_new_connection = false;
        // A write that may have arrived.
        let mut in_doubt: Option<SentRequest> = None;
        let mut failed_before = None;
        let failed = loop {
            let is_expired = |copy: &mut SentRequest| self.clock.age(copy.at) >= REPLAY_VALIDITY;
            if let Some(copy) = in_doubt.take_if(is_expired) {
                // By the clock that went further: if it was set forward, the copy may still arrive.
                self.late_writes.record(call, &copy, &self.clock);
            }
            let (attempt, sent) = match self.next_request(call, in_doubt.as_ref(), ctx).await {
                Ok(sent) => {
                    let attempt = self.attempt(&sent.request, call.kind, needs_new_connection, ctx);
                    (attempt.await, Some(sent))
                }
                Err(not_sent) => (Err(Failure::NotSent(not_sent).into()), None),
            };
            let failure = attempt.as_ref().err().map(|failed| &failed.failure);
            self.outage.record_attempt(call.operation, failure);
            let failed = match attempt {
                Ok(response) => {
                    let is_settled =
                        sent.is_some_and(|sent| self.late_writes.settle(call, &sent, None));
                    if is_settled && self.late_writes.next(call, &self.clock).is_some() {
                        continue;
                    }
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            attempts.count += 1;
            let delay = self.retry_delay(call, &failed, sent.as_ref(), &mut attempts, ctx);
            if !matches!(failed.failure, Failure::Rejected(_)) {
                needs_new_connection = true;
            }
            in_doubt = still_in_doubt(in_doubt, &failed.failure, call.kind, sent.as_ref());
            let error = self.error(call.operation, attempts.count, failed.failure);
            let latest = FailedCall { error, sent };
            let failed = merge_failures(failed_before, latest, call.kind, ctx);
            let Some(delay) = delay else {
                if call.kind != OperationKind::Prefetch {
                    let (failure, started_at) = (&failed.error.failure, attempts.started_at);
                    self.outage
                        .record_failed_call(call, failure, started_at, ctx);
                }
                break failed;
            };
            debug!(operation = call.operation, attempts = attempts.count, delay_ms = delay.as_millis(), error = %failed.error, "will retry");
            if ctx.wait(delay).await.is_err() {
                break failed;
            }
            failed_before = Some(failed);
        };
        if let Some(copy) = in_doubt {
            self.late_writes.record(call, &copy, &self.clock);
        }
        Err(failed)
    }

    /// Returns how long to wait before the next attempt; `None` if there is none.
    fn retry_delay(
        &self,
        call: &ApiCall,
        failed: &FailedAttempt,
        sent: Option<&SentRequest>,
        attempts: &mut Attempts,
        ctx: &CallContext,
    ) -> Option<Duration> {
        let failure = &failed.failure;
        let settles = |sent| self.late_writes.settle(call, sent, Some(failure));
        if self.renew_rejected_credentials(failed, sent, attempts)
            || (sent.is_some_and(settles) && is_caused_by_late_write(failure))
        {
            return Some(Duration::ZERO);
        }
        attempts.retry_delay(call.kind, failed, &self.retry, ctx, self.random.bits())
    }

    /// Returns the request of the next attempt: the identical bytes while it is unknown whether they have arrived, else a
    /// new signature.
    async fn next_request(
        &self,
        call: &ApiCall,
        in_doubt: Option<&SentRequest>,
        ctx: &CallContext,
    ) -> Result<SentRequest, NotSent> {
        match in_doubt {
            Some(copy) => {
                self.rate_limiter.acquire(call.operation, ctx).await?;
                Ok(copy.clone())
            }
            None => Ok(SentRequest {
                request: self.prepare(call, ctx).await?,
                at: self.clock.moment(),
                timestamp: self.clock.now(),
            }),
        }
    }

    /// Waits for a permit of the rate limiter, then signs, so that credentials, nonce and timestamp are recent.
    pub(super) async fn prepare(
        &self,
        call: &ApiCall,
        ctx: &CallContext,
    ) -> Result<SignedRequest, NotSent> {
        self.rate_limiter.acquire(call.operation, ctx).await?;
        let credentials = self.load_credentials(ctx).await?;
        let (credentials, nonce) = if let Some(write) = self.late_writes.next(call, &self.clock) {
            (write.credentials, write.nonce)
        } else {
            let nonce = self.random.bits().map(nonce);
            (credentials, nonce.ok_or(NotSent::NoNonce)?)
        };
        Ok(self.request.sign(
            call.operation,
            &call.parameters,
            credentials,
            &nonce,
            &timestamp(self.clock.now()),
        ))
    }

    pub(super) async fn load_credentials(
        &self,
        ctx: &CallContext,
    ) -> Result<Arc<Credentials>, NotSent> {
        ctx.run(self.credentials.get())
            .await?
            .map_err(NotSent::NoCredentials)
    }

    /// Sends a signed request once and reads the response, which may adjust rate limit and clock.
    pub(super) async fn attempt<T: DeserializeOwned>(
        &self,
        request: &SignedRequest,
        kind: OperationKind,
        needs_new_connection: bool,
        ctx: &CallContext,
    ) -> Result<ApiResponse<T>, FailedAttempt> {
        let (started_at, requested) = (Instant::now(), self.clock.moment());
        let raw = self
            .transport
            .send(request, kind, needs_new_connection, ctx)
            .await?;
        let duration = started_at.elapsed();
        response::log(request, &raw, duration);
        match response::interpret(request, &raw) {
            Ok(value) => {
                self.rate_limiter.speed_up(request.operation);
                Ok(ApiResponse {
                    value,
                    time: raw.date.map(|date| ResponseTime { date, requested }),
                })
            }
            Err(failure) => {
                if let Failure::Rejected(error) = &failure {
                    match (error.class(), raw.date) {
                        (ErrorClass::Throttled, _) => {
                            self.rate_limiter.slow_down(request.operation);
                        }
                        (ErrorClass::ClockSkew, Some(date)) => {
                            self.clock.learn(date);
                            self.credentials.learn_time(date);
                        }
                        _ => {}
                    }
                }
                Err(FailedAttempt {
                    failure,
                    retry_after: raw.retry_after,
                })
            }
        }
    }

    /// Drops credentials that the API rejected as expired, once per call. Returns whether there may be other ones.
    fn renew_rejected_credentials(
        &self,
        failed: &FailedAttempt,
        sent: Option<&SentRequest>,
        attempts: &mut Attempts,
    ) -> bool {
        let (Failure::Rejected(error), Some(sent)) = (&failed.failure, sent) else {
            return false;
        };
        let renews = may_be_expired_credentials(&error.code)
            && !attempts.credentials_renewed
            && self.credentials.reject(&sent.request.credentials);
        attempts.credentials_renewed |= renews;
        renews
    }

    pub(super) fn error(
        &self,
        operation: &'static str,
        attempts: u32,
        failure: Failure,
    ) -> CallError {
        CallError {
            operation,
            endpoint: format!("{}{}", self.request.endpoint, self.through_proxy),
            attempts,
            failure,
            rejection: None,
        }
    }
}

/// Returns the write that may still arrive after another failed attempt.
fn still_in_doubt(
    before: Option<SentRequest>,
    failure: &Failure,
    kind: OperationKind,
    sent: Option<&SentRequest>,
) -> Option<SentRequest> {
    match failure {
        _ if kind != OperationKind::IdempotentWrite => None,
        Failure::NotSent(_) => before,
        Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => None,
        Failure::Ambiguous(_) => before.or_else(|| sent.cloned()),
        // A throttled copy says nothing of an earlier one.
        Failure::Rejected(error) if error.class() == ErrorClass::Throttled => before,
        // Rejected for its timestamp or credentials: no copy of these bytes will be accepted.
        Failure::Rejected(_) => None,
    }
}
