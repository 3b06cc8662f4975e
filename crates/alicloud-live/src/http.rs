//! The transport over HTTP/1.1: a connection carries one call at a time, and is closed if its call is abandoned.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::ACCEPT;

use alicloud_auth::environment::{InvalidInput, RootCertificates};

use super::redact::printable;
use super::{
    Ambiguous, Exchange, Failure, HttpRequest, HttpResponse, LiveClientConfig, NotSent, SendState,
};

/// A full page of 100 jobs takes well below 1 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Idle connections are closed before the server closes them: if a connection is closed while a request is sent, it is
/// unknown whether the request arrived. The shortest default is that of Alibaba Cloud's load balancers, 15 s (CLB,
/// listener attribute `IdleTimeout`); those of AWS and Huawei Cloud have 60 s, nginx 75 s.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Library messages can quote what the server sent.
const MAX_REASON_CHARS: usize = 300;
const NO_TLS: &str = "the server does not speak TLS";

/// The HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A variable names certificates that cannot be used.
    #[error(transparent)]
    Certificates(#[from] InvalidInput),
    /// Everything else.
    #[error("{0}")]
    Http(String),
}

impl BuildError {
    fn new(error: reqwest::Error) -> Self {
        Self::Http(reason(error))
    }
}

/// Sends requests with reqwest.
pub(super) struct Http {
    settings: ClientSettings,
    /// Reuses connections.
    pooled: reqwest::Client,
    /// Opens a connection for each call; created on first use.
    unpooled: OnceLock<reqwest::Client>,
}

struct ClientSettings {
    user_agent: String,
    connect_timeout: Duration,
    /// Whether endpoint or proxy speak TLS.
    uses_tls: bool,
    proxy: Option<reqwest::Proxy>,
    roots: RootCertificates,
}

impl Http {
    pub(super) fn new(config: &LiveClientConfig) -> Result<Self, BuildError> {
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy_uses_tls = config
            .proxy
            .as_ref()
            .is_some_and(|it| it.scheme() == "https");
        let proxy = config.proxy.clone().map(reqwest::Proxy::all);
        let settings = ClientSettings {
            user_agent: config.user_agent.clone(),
            connect_timeout: config.connect_timeout,
            uses_tls: config.endpoint.is_https() || proxy_uses_tls,
            proxy: proxy.transpose().map_err(BuildError::new)?,
            roots: config.roots.clone(),
        };
        let pooled = settings.builder()?.build().map_err(BuildError::new)?;
        Ok(Self {
            settings,
            pooled,
            unpooled: OnceLock::new(),
        })
    }

    /// Returns the client for a call. After a failure no existing connection is used: a firewall that has dropped one may
    /// have dropped all.
    fn client(&self, needs_new_connection: bool) -> &reqwest::Client {
        if !needs_new_connection {
            return &self.pooled;
        }
        self.unpooled.get_or_init(|| {
            let builder = self.settings.builder().ok();
            let unpooled = builder.and_then(|it| it.pool_max_idle_per_host(0).build().ok());
            unpooled.unwrap_or_else(|| self.pooled.clone())
        })
    }
}

impl ClientSettings {
    fn builder(&self) -> Result<reqwest::ClientBuilder, BuildError> {
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
        if self.uses_tls {
            Ok(self.roots.apply(builder)?)
        } else {
            // Otherwise a machine without a certificate store could not even call a mock over HTTP.
            Ok(builder.tls_certs_only([]))
        }
    }
}

#[async_trait]
impl Exchange for Http {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let body = WatchedBody::new(request.body, request.send_state);
        let mut sending = self
            .client(request.needs_new_connection)
            .post(request.url.clone())
            .header(ACCEPT, "application/json")
            .body(reqwest::Body::wrap(body));
        for (name, value) in request.headers {
            sending = sending.header(*name, value);
        }
        let mut response = sending.send().await.map_err(|error| {
            sending_failed(error, request.send_state, self.settings.proxy.is_some())
        })?;

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

/// A body that records when it is first polled. hyper polls it as soon as the head is in its buffer, before it writes
/// anything to the connection.
struct WatchedBody {
    /// `None` once they have been polled.
    bytes: Option<Bytes>,
    send_state: SendState,
}

/// The call was abandoned before its request was sent.
#[derive(Debug, thiserror::Error)]
#[error("abandoned")]
struct Abandoned;

impl WatchedBody {
    fn new(body: &str, send_state: &SendState) -> Self {
        // An empty body is not polled. Then the state stays unknown, which counts as sent.
        if !body.is_empty() {
            send_state.mark_waiting();
        }
        Self {
            bytes: Some(Bytes::copy_from_slice(body.as_bytes())),
            send_state: send_state.clone(),
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        match self.bytes.take() {
            Some(bytes) if self.send_state.try_send() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            // hyper closes the connection without writing anything.
            Some(_) => Poll::Ready(Some(Err(Abandoned))),
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

fn sending_failed(error: reqwest::Error, send_state: &SendState, has_proxy: bool) -> Failure {
    if !send_state.try_abandon() {
        return connection_lost(error);
    }
    if is_certificate_error(&error) {
        return Failure::NotSent(NotSent::UntrustedCertificate(reason(error)));
    }
    let mut reason = reason(error);
    // It may be the proxy that does not.
    if reason == NO_TLS && !has_proxy {
        reason.push_str("; use http:// for the mock");
    }
    Failure::NotSent(NotSent::NoConnection(reason))
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

/// Returns the error and its causes, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| {
        // The source of an I/O error skips the error that it wraps.
        match error.downcast_ref::<std::io::Error>() {
            Some(wrapper) => wrapper
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        }
    })
}

/// Returns the innermost cause, which is the one that users can act on. Never the URL, which contains the signature.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let innermost = causes(&error).last().map(ToString::to_string);
    reword(&printable(&innermost.unwrap_or_default(), MAX_REASON_CHARS))
}

/// Rewrites messages of libraries for users.
fn reword(reason: &str) -> String {
    if reason.starts_with("received corrupt message") {
        return NO_TLS.to_owned();
    }
    if let Some(reason) = reason.strip_prefix("invalid peer certificate: ") {
        return match reason {
            "UnknownIssuer" => "its issuer is unknown to this machine".to_owned(),
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
    fn reasons_contain_no_numbers_and_no_library_names() {
        let refused = reword("Connection refused (os error 111)");
        assert_eq!(refused, "Connection refused");
        let expired = reword("invalid peer certificate: certificate expired");
        assert_eq!(expired, "certificate expired");
        let plain_http = reword("received corrupt message of type InvalidContentType");
        assert_eq!(plain_http, NO_TLS);
    }
}
