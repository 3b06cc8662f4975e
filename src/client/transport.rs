use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, DATE, HeaderMap};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::request::SignedRequest;
use super::scope::Ended;
use super::{Ambiguous, Config, Exchange, Failure, HttpReply, HttpRequest, NotSent, Scope, clock};

/// The largest answer that is read. A full page of 100 jobs is well below 1 MiB.
const LONGEST_BODY: usize = 8 << 20;
/// How long a call that changes something is still listened to after the user asked to stop or the time is over:
/// knowing what it did is worth more than these seconds.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Unused connections are closed before servers and load balancers usually close them: a request that meets the
/// closing of its connection may have been sent or not.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);
/// The longest wait that a server's hint can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(String);

/// Whether a call changes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    Reads,
    Changes,
}

/// An answer, its headers read.
pub(super) struct RawReply {
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
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self, BuildError> {
        let exchange = match &config.outside.exchange {
            Some(exchange) => Arc::clone(exchange),
            None => Arc::new(Http::new(config)?),
        };
        Ok(Self {
            exchange,
            attempt_timeout: config.attempt_timeout,
        })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// A read ends as soon as `scope` does; a change is listened to for [`DRAIN_TIME`] more. Nothing is sent when
    /// `scope` has ended before.
    pub(super) async fn send(
        &self,
        request: &SignedRequest,
        effect: Effect,
        scope: &Scope,
    ) -> Result<RawReply, Failure> {
        match scope.ended() {
            Some(Ended::Stopped) => return Err(Failure::NotSent(NotSent::Stopped)),
            Some(Ended::OutOfTime) => return Err(Failure::NotSent(NotSent::OutOfTime)),
            None => {}
        }
        let begun = Instant::now();
        let exchange = tokio::time::timeout(self.attempt_timeout, self.exchange(request));
        tokio::pin!(exchange);
        let finished = tokio::select! {
            biased;
            finished = &mut exchange => finished,
            ended = scope.end() => {
                let drained = match effect {
                    Effect::Reads => None,
                    Effect::Changes => tokio::time::timeout(DRAIN_TIME, exchange).await.ok(),
                };
                match (drained, ended) {
                    (Some(finished), _) => finished,
                    (None, Ended::Stopped) => return Err(Failure::Ambiguous(Ambiguous::Stopped)),
                    (None, Ended::OutOfTime) => return Err(timed_out(begun)),
                }
            }
        };
        finished.unwrap_or_else(|_elapsed| Err(timed_out(begun)))
    }

    async fn exchange(&self, request: &SignedRequest) -> Result<RawReply, Failure> {
        let request = HttpRequest {
            url: &request.url,
            headers: &request.headers,
            body: &request.body,
        };
        let reply = self.exchange.exchange(request).await?;
        Ok(RawReply {
            status: reply.status,
            date: header(&reply.headers, DATE.as_str()).and_then(clock::parse_date),
            retry_after: retry_after(&reply.headers),
            body: reply.body,
        })
    }
}

/// The real wire.
struct Http(reqwest::Client);

impl Http {
    fn new(config: &Config) -> Result<Self, BuildError> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(&config.user_agent)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if !config.endpoint.is_https() {
            // Without this a machine that has no certificates could not even talk to a mock in clear text.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| BuildError(reason(error)))?;
        Ok(Self(http))
    }
}

#[async_trait]
impl Exchange for Http {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpReply, Failure> {
        let mut sending = self
            .0
            .post(request.url.clone())
            .header(ACCEPT, "application/json")
            .body(request.body.to_owned());
        for (name, value) in request.headers {
            sending = sending.header(*name, value);
        }
        let mut response = sending.send().await.map_err(sending_failed)?;

        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(connection_lost)? {
            if body.len() + chunk.len() > LONGEST_BODY {
                let reason = format!("it is longer than {} MiB", LONGEST_BODY >> 20);
                return Err(Failure::Ambiguous(Ambiguous::Unreadable { status, reason }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpReply {
            status,
            headers,
            body,
        })
    }
}

fn timed_out(begun: Instant) -> Failure {
    Failure::Ambiguous(Ambiguous::TimedOut(begun.elapsed()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `x-acs-retry-after`: a positive integer of milliseconds, as the official SDK reads it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let milliseconds: u64 = header(headers, "x-acs-retry-after")?.trim().parse().ok()?;
    Some(Duration::from_millis(milliseconds).min(LONGEST_RETRY_AFTER))
}

fn sending_failed(error: reqwest::Error) -> Failure {
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(NotSent::NoConnection(reason(error)))
    } else {
        connection_lost(error)
    }
}

fn connection_lost(error: reqwest::Error) -> Failure {
    Failure::Ambiguous(Ambiguous::ConnectionLost(reason(error)))
}

/// The innermost cause, which is the one that people can act on. Never the URL: it holds the signature.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    plain(&innermost.to_string())
}

/// Library text in people's words.
fn plain(reason: &str) -> String {
    if reason.starts_with("received corrupt message") {
        return "what answers there does not speak TLS; an endpoint without a scheme is reached by HTTPS, and that of a \
                mock begins with http://"
            .to_owned();
    }
    // Such as "Connection refused (os error 111)".
    let number = reason.find(" (os error ").unwrap_or(reason.len());
    reason[..number].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_without_numbers_and_library_names() {
        assert_eq!(
            plain("Connection refused (os error 111)"),
            "Connection refused"
        );
        assert_eq!(plain("certificate has expired"), "certificate has expired");
        assert!(
            plain("received corrupt message of type InvalidContentType")
                .contains("does not speak TLS")
        );
    }
}
