use async_trait::async_trait;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{HttpRequest, HttpResponse, HttpSend, ProxyPolicy};
use crate::environment::Proxies;

/// The largest response that is read. Keys take a few kilobytes.
const MAX_BODY_BYTES: usize = 256 << 10;

/// A client for each call: there is one an hour or less, and calls differ in time limits, proxies and certificates.
pub(super) struct Reqwest {
    pub(super) user_agent: String,
    pub(super) proxies: Proxies,
}

#[async_trait]
impl HttpSend for Reqwest {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        use secrecy::ExposeSecret as _;

        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(request.connect_timeout)
            .timeout(request.timeout)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        let proxy = match request.route {
            ProxyPolicy::FromEnvironment => self.proxies.for_url(&request.url),
            ProxyPolicy::Bypass => None,
        };
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all(proxy.clone()).map_err(reason)?;
            client = client.proxy(proxy);
        }
        if request.url.scheme() == "http" {
            // A machine without certificates must still reach its metadata service.
            client = client.tls_certs_only([]);
        }
        let method = match request.method {
            "GET" => reqwest::Method::GET,
            "PUT" => reqwest::Method::PUT,
            _ => reqwest::Method::POST,
        };
        let mut sending = client
            .build()
            .map_err(reason)?
            .request(method, request.url)
            .body(request.body.expose_secret().to_owned());
        for (name, value) in &request.headers {
            sending = sending.header(*name, value.expose_secret());
        }
        let mut response = sending.send().await.map_err(reason)?;
        let status = response.status().as_u16();
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
        Ok(HttpResponse {
            status,
            body: body.into(),
            date,
        })
    }
}

/// The innermost cause, without the URL, which may hold secrets.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
