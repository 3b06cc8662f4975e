use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use crate::environment::{Proxies, RootCertificates};
use crate::http::{client_builder, is_certificate_error, reason};

/// Credentials take a few kilobytes.
const MAX_BODY_BYTES: usize = 256 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes single HTTP calls. No retries, no redirects.
#[async_trait]
pub trait HttpSend: Send + Sync {
    /// Sends a request and reads the response. The error is the reason and contains no URL.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String>;
}

/// An HTTP request.
pub struct HttpRequest {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// The URL. Its query may contain secrets.
    pub url: Url,
    /// Headers by name.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The body; may be empty.
    pub body: SecretString,
    /// Whether the call may use a proxy.
    pub proxy_policy: ProxyPolicy,
    /// The timeout for the whole call, of which connecting takes 5 s at most.
    pub timeout: Duration,
}

impl HttpRequest {
    /// Returns a request without headers and body, with a timeout of 10 s.
    pub(in crate::credentials) fn new(method: &'static str, url: Url) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: SecretString::default(),
            proxy_policy: ProxyPolicy::FromEnvironment,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Whether a call may use a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyPolicy {
    /// Uses the proxy that the environment configures for the URL, if any.
    FromEnvironment,
    /// Uses no proxy: the host is a link-local service, and no proxy may read its responses.
    Bypass,
}

/// An HTTP response.
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: SecretString,
    /// The header `Date`.
    pub date: Option<OffsetDateTime>,
}

/// Creates a reqwest client for each call: there is one an hour or less, and calls differ in timeouts, proxies and
/// certificates.
pub(super) struct HttpClient {
    pub(super) user_agent: String,
    pub(super) proxies: Proxies,
    pub(super) roots: RootCertificates,
}

#[async_trait]
impl HttpSend for HttpClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let proxy = match request.proxy_policy {
            ProxyPolicy::FromEnvironment => self.proxies.for_url(&request.url),
            ProxyPolicy::Bypass => None,
        };
        let client = client_builder(&request.url, proxy, &self.roots)
            .map_err(|error| error.to_string())?
            .user_agent(&self.user_agent)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(request.timeout);
        let method: Result<reqwest::Method, _> = request.method.parse();
        let mut sending = client
            .build()
            .map_err(reason)?
            .request(method.map_err(|error| error.to_string())?, request.url)
            .body(request.body.expose_secret().to_owned());
        for (name, value) in &request.headers {
            sending = sending.header(*name, value.expose_secret());
        }
        let mut response = sending.send().await.map_err(describe)?;
        let status = response.status().as_u16();
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err("the response is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let body =
            String::from_utf8(body).map_err(|_| "the response is not UTF-8 text".to_owned())?;
        Ok(HttpResponse {
            status,
            body: body.into(),
            date,
        })
    }
}

/// Returns why a request failed. Errors of a certificate name what is wrong with it alone.
fn describe(error: reqwest::Error) -> String {
    if is_certificate_error(&error) {
        return format!("the TLS certificate is not trusted: {}", reason(error));
    }
    reason(error)
}
