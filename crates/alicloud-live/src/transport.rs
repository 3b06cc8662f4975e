use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::call_context::Interruption;
use super::request::SignedRequest;
use super::{
    Ambiguous, CallContext, Departure, Exchange, Failure, HttpRequest, LiveClientConfig, NotSent,
    clock, http,
};
use alicloud_auth::credentials::Clock;

/// How long a call that changes something is still listened to after the user asked to stop or the time is over:
/// knowing what it did is worth more than these seconds.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// An attempt of a recovery takes no longer: an outage that shows as silence must not use up all of its time.
const RECOVERY_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that a server's hint can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(String);

impl BuildError {
    pub(super) fn new(reason: String) -> Self {
        Self(reason)
    }
}

/// Whether a call changes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Read,
    Write,
}

/// On which connection a request is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Connection {
    /// Any, one that was used before too.
    Any,
    /// A new one: the last one failed.
    New,
}

/// An answer, its headers read.
pub(super) struct RawResponse {
    pub(super) status: u16,
    /// The server's clock when it answered.
    pub(super) date: Option<OffsetDateTime>,
    /// How long the server asks to wait before the next attempt.
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

    /// Sends one request and reads the whole answer.
    ///
    /// A read ends as soon as `ctx` does; a change that is under way is listened to for [`DRAIN_TIME`] more. Nothing is
    /// sent when `ctx` has ended before the request has left, connecting included.
    pub(super) async fn send(
        &self,
        request: &SignedRequest,
        effect: Access,
        connection: Connection,
        ctx: &CallContext,
    ) -> Result<RawResponse, Failure> {
        if let Some(ended) = ctx.interruption() {
            return Err(Failure::NotSent(ended.into()));
        }
        let begun = Instant::now();
        let departure = Departure::default();
        let exchange = tokio::time::timeout(
            self.attempt_timeout(ctx),
            self.exchange(request, connection, &departure),
        );
        tokio::pin!(exchange);
        let finished = tokio::select! {
            biased;
            finished = &mut exchange => finished,
            ended = ctx.done() => {
                if departure.give_up() {
                    return Err(Failure::NotSent(ended.into()));
                }
                let drained = match effect {
                    Access::Read => None,
                    Access::Write => tokio::time::timeout(DRAIN_TIME, exchange).await.ok(),
                };
                match (drained, ended) {
                    (Some(finished), _) => finished,
                    (None, Interruption::Cancelled) => return Err(Failure::Ambiguous(Ambiguous::Cancelled)),
                    (None, Interruption::DeadlineExceeded) => return Err(timed_out(begun)),
                }
            }
        };
        finished.unwrap_or_else(|_elapsed| {
            Err(if departure.give_up() {
                let seconds = begun.elapsed().as_secs_f32();
                let reason = format!("it was not established within {seconds:.1} s");
                Failure::NotSent(NotSent::NoConnection(reason))
            } else {
                timed_out(begun)
            })
        })
    }

    fn attempt_timeout(&self, ctx: &CallContext) -> Duration {
        if ctx.is_recovery() {
            self.attempt_timeout.min(RECOVERY_ATTEMPT_TIMEOUT)
        } else {
            self.attempt_timeout
        }
    }

    async fn exchange(
        &self,
        request: &SignedRequest,
        connection: Connection,
        departure: &Departure,
    ) -> Result<RawResponse, Failure> {
        let request = HttpRequest {
            url: &request.url,
            headers: &request.headers,
            body: &request.body,
            needs_new_connection: connection == Connection::New,
            departure,
        };
        let reply = self.exchange.exchange(request).await?;
        let date = header(&reply.headers, DATE.as_str()).and_then(clock::parse_date);
        let now = date.unwrap_or_else(|| self.clock.now());
        Ok(RawResponse {
            status: reply.status,
            date,
            retry_after: retry_after(&reply.headers, now),
            body: reply.body,
        })
    }
}

fn timed_out(begun: Instant) -> Failure {
    Failure::Ambiguous(Ambiguous::TimedOut(begun.elapsed()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The wait that the server asks for: `x-acs-retry-after`, milliseconds as the official SDK reads it, or `Retry-After`,
/// seconds or a date (RFC 9110), as gateways and proxies send it.
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
    fn both_hints_are_read_and_bounded() {
        let vendor = |value| wait("x-acs-retry-after", value);
        assert_eq!(vendor(" 200 "), Some(Duration::from_millis(200)));
        assert_eq!(vendor("99999999999"), Some(MAX_RETRY_AFTER));
        let standard = |value| wait("retry-after", value);
        assert_eq!(standard("7"), Some(Duration::from_secs(7)));
        assert_eq!(standard("99999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(
            standard("Thu, 01 Jan 1970 00:00:09 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(
            standard("Fri, 02 Jan 1970 00:00:00 GMT"),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(
            standard("Wed, 31 Dec 1969 23:00:00 GMT"),
            Some(Duration::ZERO)
        );
        for value in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            assert_eq!((vendor(value), standard(value)), (None, None), "{value}");
        }
    }
}
