use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::call::OperationKind;
use super::call_context::Interruption;
use super::request::SignedRequest;
use super::{
    Ambiguous, CallContext, Exchange, Failure, HttpRequest, LiveClientConfig, NotSent, SendState,
    clock, http,
};
use alicloud_auth::credentials::Clock;
use alicloud_auth::http::BuildError;

/// How long a write that was sent is waited for after a cancellation or the deadline: knowing what it did is worth these
/// seconds.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts of a recovery are shorter, so that a silent connection does not take all of its time.
const RECOVERY_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that a response can request.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A response with parsed headers.
pub(super) struct RawResponse {
    pub(super) status: u16,
    /// The header `Date`.
    pub(super) date: Option<OffsetDateTime>,
    /// The wait before the next attempt that the server requests.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Sends single requests. No retries, no redirects.
pub(super) struct Transport {
    exchange: Arc<dyn Exchange>,
    attempt_timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Transport {
    pub(super) fn new(config: &LiveClientConfig) -> Result<Self, BuildError> {
        let exchange = match &config.dependencies.exchange {
            Some(exchange) => Arc::clone(exchange),
            None => Arc::new(http::Http::new(config)?),
        };
        Ok(Self {
            exchange,
            attempt_timeout: config.attempt_timeout,
            clock: Arc::clone(&config.dependencies.clock),
        })
    }

    /// Sends one request and reads the whole response.
    ///
    /// When `ctx` is done, a read ends at once, and a write that was sent is waited for until [`DRAIN_TIMEOUT`]. Nothing is
    /// sent if `ctx` is done before the connection is established.
    pub(super) async fn send(
        &self,
        request: &SignedRequest,
        kind: OperationKind,
        needs_new_connection: bool,
        ctx: &CallContext,
    ) -> Result<RawResponse, Failure> {
        if let Some(interruption) = ctx.interruption() {
            return Err(Failure::NotSent(interruption.into()));
        }
        let started_at = Instant::now();
        let send_state = SendState::default();
        // A create without a response is not retried like others, so each attempt has its whole time.
        let max = if ctx.is_recovery() && kind != OperationKind::Create {
            RECOVERY_ATTEMPT_TIMEOUT
        } else {
            Duration::MAX
        };
        let exchange = self.exchange(request, needs_new_connection, &send_state);
        let exchange = tokio::time::timeout(self.attempt_timeout.min(max), exchange);
        tokio::pin!(exchange);
        let finished = tokio::select! {
            biased;
            finished = &mut exchange => finished,
            interruption = ctx.done() => {
                if send_state.try_abandon() {
                    return Err(Failure::NotSent(interruption.into()));
                }
                let drained = if kind.is_write() {
                    tokio::time::timeout(DRAIN_TIMEOUT, exchange).await.ok()
                } else {
                    None
                };
                match (drained, interruption) {
                    (Some(finished), _) => finished,
                    (None, Interruption::Cancelled) => return Err(Failure::Ambiguous(Ambiguous::Cancelled)),
                    (None, Interruption::DeadlineExceeded) => return Err(timed_out(started_at)),
                }
            }
        };
        finished.unwrap_or_else(|_elapsed| {
            Err(if send_state.try_abandon() {
                let seconds = started_at.elapsed().as_secs_f32();
                let reason = format!("it was not established within {seconds:.1} s");
                Failure::NotSent(NotSent::NoConnection(reason))
            } else {
                timed_out(started_at)
            })
        })
    }

    async fn exchange(
        &self,
        request: &SignedRequest,
        needs_new_connection: bool,
        send_state: &SendState,
    ) -> Result<RawResponse, Failure> {
        let request = HttpRequest {
            url: &request.url,
            headers: &request.headers,
            body: &request.body,
            needs_new_connection,
            send_state,
        };
        let response = self.exchange.exchange(request).await?;
        let date = header(&response.headers, DATE.as_str()).and_then(clock::parse_date);
        let now = date.unwrap_or_else(|| self.clock.now());
        Ok(RawResponse {
            status: response.status,
            date,
            retry_after: retry_after(&response.headers, now),
            body: response.body,
        })
    }
}

fn timed_out(started_at: Instant) -> Failure {
    Failure::Ambiguous(Ambiguous::TimedOut(started_at.elapsed()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns the wait that the server requests: `x-acs-retry-after`, in milliseconds as in the official SDK, or
/// `Retry-After`, in seconds or as a date (RFC 9110), as gateways and proxies send it.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let milliseconds =
        header(headers, "x-acs-retry-after").and_then(|text| text.trim().parse().ok());
    let wait = milliseconds.map(Duration::from_millis).or_else(|| {
        let text = header(headers, RETRY_AFTER.as_str())?.trim();
        let seconds = text.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| {
            let until = clock::parse_date(text)?;
            Some(Duration::try_from(until - now).unwrap_or_default())
        })
    })?;
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers, OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn both_headers_are_read_and_limited() {
        let (alibaba_cloud, standard) = ("x-acs-retry-after", "retry-after");
        for (name, value, expected) in [
            (alibaba_cloud, " 200 ", Duration::from_millis(200)),
            (alibaba_cloud, "99999999999", MAX_RETRY_AFTER),
            (standard, "7", Duration::from_secs(7)),
            (standard, "99999999999", MAX_RETRY_AFTER),
            (
                standard,
                "Thu, 01 Jan 1970 00:00:09 GMT",
                Duration::from_secs(9),
            ),
            (standard, "Fri, 02 Jan 1970 00:00:00 GMT", MAX_RETRY_AFTER),
            (standard, "Wed, 31 Dec 1969 23:00:00 GMT", Duration::ZERO),
        ] {
            assert_eq!(wait(name, value), Some(expected), "{name}: {value}");
        }
        for value in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            for name in [alibaba_cloud, standard] {
                assert_eq!(wait(name, value), None, "{name}: {value}");
            }
        }
    }
}
