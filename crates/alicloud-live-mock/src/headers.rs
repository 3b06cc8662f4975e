//! Reading request headers.

use axum::http::header::AsHeaderName;
use axum::http::{HeaderMap, header};

/// Returns the value of a header, if it is there and is text.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Returns the value of `Host`, or an empty string.
pub(super) fn host(headers: &HeaderMap) -> &str {
    text(headers, header::HOST).unwrap_or_default()
}
