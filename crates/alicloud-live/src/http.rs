//! The real wire: HTTP/1.1, by which a connection carries one call at a time, and one whose call was given up is closed.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::ACCEPT;

use super::redact::printable;
use super::{
    Ambiguous, BuildError, Departure, Exchange, Failure, HttpRequest, HttpResponse,
    LiveClientConfig, NotSent,
};

/// The largest answer that is read. A full page of 100 jobs is well below 1 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Unused connections are closed before the other side closes them: a request that meets the closing of its connection
/// may have been sent or not. The shortest default is that of Alibaba Cloud's own load balancers, 15 s (CLB, listener
/// attribute `IdleTimeout`); those of AWS and Huawei Cloud have 60 s, nginx 75 s.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Library messages can quote what the other side sent.
const MAX_REASON_CHARS: usize = 300;

/// Sends requests by reqwest.
pub(super) struct Http {
    settings: MockSettings,
    /// Keeps connections for the next call.
    pooled: reqwest::Client,
    /// Makes a connection for each call; set up when it is first needed.
    unpooled: OnceLock<reqwest::Client>,
}

struct MockSettings {
    user_agent: String,
    connect_timeout: Duration,
    is_https: bool,
    proxy: Option<reqwest::Proxy>,
}

impl Http {
    pub(super) fn new(config: &LiveClientConfig) -> Result<Self, BuildError> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = MockSettings {
            user_agent: config.user_agent.clone(),
            connect_timeout: config.connect_timeout,
            is_https: config.endpoint.is_https(),
            proxy: config
                .proxy
                .clone()
                .map(reqwest::Proxy::all)
                .transpose()
                .map_err(|error| BuildError::new(reason(error)))?,
        };
        let pooled = settings
            .builder()
            .build()
            .map_err(|error| BuildError::new(reason(error)))?;
        Ok(Self {
            settings,
            pooled,
            unpooled: OnceLock::new(),
        })
    }

    /// The client for a call. After a failure every connection that was made before is under suspicion: a firewall that
    /// has forgotten one has forgotten all.
    fn client(&self, needs_new_connection: bool) -> &reqwest::Client {
        if !needs_new_connection {
            return &self.pooled;
        }
        self.unpooled.get_or_init(|| {
            let unpooled = self.settings.builder().pool_max_idle_per_host(0).build();
            unpooled.unwrap_or_else(|_| self.pooled.clone())
        })
    }
}

impl MockSettings {
    fn builder(&self) -> reqwest::ClientBuilder {
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        if self.is_https {
            builder
        } else {
            // Without this a machine that has no certificates could not even talk to a mock in clear text.
            builder.tls_certs_only([])
        }
    }
}

#[async_trait]
impl Exchange for Http {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let body = WatchedBody::new(request.body, request.departure);
        let mut sending = self
            .client(request.needs_new_connection)
            .post(request.url.clone())
            .header(ACCEPT, "application/json")
            .body(reqwest::Body::wrap(body));
        for (name, value) in request.headers {
            sending = sending.header(*name, value);
        }
        let mut response = sending
            .send()
            .await
            .map_err(|error| sending_failed(error, request.departure))?;

        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(connection_lost)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                let reason = format!("it is longer than {} MiB", MAX_BODY_BYTES >> 20);
                return Err(Failure::Ambiguous(Ambiguous::Unreadable { status, reason }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status,
            headers,
            body,
        })
    }
}

/// A body that tells when it is first asked for. hyper asks as soon as it has put the head into its buffer, before it
/// writes anything to the connection.
struct WatchedBody {
    /// Until they are asked for.
    bytes: Option<Bytes>,
    departure: Departure,
}

/// The call was given up before its request left.
#[derive(Debug, thiserror::Error)]
#[error("given up")]
struct GivenUp;

impl WatchedBody {
    fn new(body: &str, departure: &Departure) -> Self {
        // A body without bytes is not asked for; then nothing is said, which counts as sent.
        if !body.is_empty() {
            departure.wait();
        }
        Self {
            bytes: Some(Bytes::copy_from_slice(body.as_bytes())),
            departure: departure.clone(),
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        match self.bytes.take() {
            Some(bytes) if self.departure.leave() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            // hyper closes the connection without having written anything.
            Some(_) => Poll::Ready(Some(Err(GivenUp))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(length as u64)
    }
}

fn sending_failed(error: reqwest::Error, departure: &Departure) -> Failure {
    if !departure.give_up() {
        return connection_lost(error);
    }
    Failure::NotSent(if is_certificate_error(&error) {
        NotSent::UntrustedCertificate(reason(error))
    } else {
        NotSent::NoConnection(reason(error))
    })
}

fn connection_lost(error: reqwest::Error) -> Failure {
    Failure::Ambiguous(Ambiguous::ConnectionLost(reason(error)))
}

fn is_certificate_error(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref::<rustls::Error>(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}

/// The error and what caused it, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| {
        // An I/O error passes over the one that it wraps.
        match error.downcast_ref::<std::io::Error>() {
            Some(wrapper) => wrapper
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        }
    })
}

/// The innermost cause, which is the one that people can act on. Never the URL: it holds the signature.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let innermost = causes(&error).last().map(ToString::to_string);
    plain(&printable(&innermost.unwrap_or_default(), MAX_REASON_CHARS))
}

/// Library text in people's words.
fn plain(reason: &str) -> String {
    if reason.starts_with("received corrupt message") {
        return "what answers there does not speak TLS; an endpoint without a scheme is reached by HTTPS, and that of a \
                mock begins with http://"
            .to_owned();
    }
    if let Some(reason) = reason.strip_prefix("invalid peer certificate: ") {
        return match reason {
            "UnknownIssuer" => "its issuer is not known to this machine".to_owned(),
            reason => reason.to_owned(),
        };
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
        assert_eq!(
            plain("invalid peer certificate: certificate expired"),
            "certificate expired"
        );
        assert!(
            plain("received corrupt message of type InvalidContentType")
                .contains("does not speak TLS")
        );
    }
}
