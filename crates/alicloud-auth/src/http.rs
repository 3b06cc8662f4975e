//! HTTP clients for credentials and for the API, and why their requests fail.

use std::io;

use reqwest::{Client, ClientBuilder, Proxy, redirect, retry};
use url::Url;

use crate::environment::{InvalidInput, RootCertificates};
use crate::text::{MAX_MESSAGE_CHARS, printable};

/// The [`reason`] of a request to a server that does not speak TLS.
pub const NO_TLS: &str = "the server does not speak TLS";

type Cause = dyn std::error::Error + 'static;

/// An HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A variable names certificates that cannot be used.
    #[error(transparent)]
    Certificates(#[from] InvalidInput),
    /// Everything else.
    #[error("{0}")]
    Http(String),
}

impl From<reqwest::Error> for BuildError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(reason(error))
    }
}

/// Returns a builder of clients that call the host of a URL, through a proxy if there is one. No redirects, no retries.
pub fn client_builder(
    url: &Url,
    proxy: Option<&Url>,
    roots: &RootCertificates,
) -> Result<ClientBuilder, BuildError> {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never());
    if let Some(proxy) = proxy {
        client = client.proxy(Proxy::all(proxy.clone())?);
    }
    let is_https = |url: &Url| url.scheme() == "https";
    if is_https(url) || proxy.is_some_and(is_https) {
        Ok(roots.apply(client)?)
    } else {
        // A machine without a certificate store must still reach its metadata service, and a mock.
        Ok(client.tls_certs_only([]))
    }
}

/// Whether the server's TLS certificate is not trusted. [`reason`] then says what is wrong with it.
pub fn is_certificate_error(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        let cause = cause.downcast_ref();
        matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
    })
}

/// Returns the error and its causes, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error as &Cause), |error| match error.downcast_ref() {
        // The source of an I/O error skips the error that it wraps.
        Some(wrapper) => io::Error::get_ref(wrapper).map(|inner| inner as &Cause),
        None => error.source(),
    })
}

/// Returns the innermost cause, which is the one that users can act on. Never the URL, which may contain secrets.
pub fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        let step = if error.is_connect() {
            "connecting"
        } else {
            "the request"
        };
        return format!("{step} timed out");
    }
    let error = error.without_url();
    let innermost = causes(&error).last().map(ToString::to_string);
    reword(&printable(
        &innermost.unwrap_or_default(),
        MAX_MESSAGE_CHARS,
    ))
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
