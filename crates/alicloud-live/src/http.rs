//! The transport over HTTP/1.1: a connection carries one call at a time, and is closed if its call is abandoned.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::ACCEPT;

use alicloud_auth::environment::RootCertificates;
use alicloud_auth::http::{BuildError, NO_TLS, client_builder, is_certificate_error, reason};
use url::Url;

use super::{
    Ambiguous, Exchange, Failure, HttpRequest, HttpResponse, LiveClientConfig, NotSent, SendState,
};

/// A full page of 100 jobs takes well below 1 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Idle connections are closed before the server closes them: if a connection is closed while a request is sent, it is
/// unknown whether the request arrived. The shortest default is that of Alibaba Cloud's load balancers, 15 s (CLB,
/// listener attribute `IdleTimeout`); those of AWS and Huawei Cloud have 60 s, nginx 75 s.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

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
    endpoint: Url,
    proxy: Option<Url>,
    roots: RootCertificates,
}

impl Http {
    pub(super) fn new(config: &LiveClientConfig) -> Result<Self, BuildError> {
        let settings = ClientSettings {
            user_agent: config.user_agent.clone(),
            connect_timeout: config.connect_timeout,
            endpoint: config.endpoint.url().clone(),
            proxy: config.proxy.clone(),
            roots: config.roots.clone(),
        };
        let pooled = settings.builder()?.build()?;
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
        let builder = client_builder(&self.endpoint, self.proxy.as_ref(), &self.roots)?;
        Ok(builder
            .http1_only()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT))
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
