//! A response before it becomes HTTP, and how its body is delivered.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;

/// The status, body and variable headers of a response.
#[derive(Clone, Debug)]
pub(super) struct MockResponse {
    pub(super) status: u16,
    /// The error code, if it is an API error.
    pub(super) code: Option<String>,
    pub(super) content_type: String,
    /// The value of the header `x-acs-retry-after`.
    pub(super) retry_after_ms: Option<u64>,
    pub(super) body: Vec<u8>,
    pub(super) delivery: Delivery,
}

/// How the body is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delivery {
    Whole,
    /// `Content-Length` is that of the whole body, and the connection is closed after some bytes.
    Cut {
        bytes: usize,
    },
    /// One byte at a time, each after a delay in milliseconds.
    Trickle {
        ms: u64,
    },
    /// An endless body in place of this one.
    Endless,
}

impl MockResponse {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, json_type(), body.to_string())
    }

    pub(super) fn new(status: u16, content_type: String, body: String) -> Self {
        let delivery = Delivery::Whole;
        Self {
            status,
            code: None,
            content_type,
            retry_after_ms: None,
            body: body.into_bytes(),
            delivery,
        }
    }

    /// Converts the response to HTTP, with an optional header `Date` and the ID of the request.
    pub(super) fn into_response(self, date: Option<&str>, request_id: &str) -> Response {
        let length = match self.delivery {
            Delivery::Endless => None,
            _ => Some(self.body.len().to_string()),
        };
        let headers = [
            ("date", date.map(str::to_owned)),
            ("content-type", Some(self.content_type)),
            ("content-length", length),
            ("x-acs-request-id", Some(request_id.to_owned())),
            (
                "x-acs-retry-after",
                self.retry_after_ms.map(|ms| ms.to_string()),
            ),
        ];
        let mut response = Response::new(self.delivery.body(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Returns the content type of API responses.
pub(super) fn json_type() -> String {
    "application/json;charset=utf-8".to_owned()
}

impl Delivery {
    fn body(self, bytes: Vec<u8>) -> Body {
        match self {
            Self::Whole => Body::from(bytes),
            Self::Cut { bytes: kept } => cut(&bytes, kept),
            Self::Trickle { ms } => trickle(bytes, Duration::from_millis(ms)),
            Self::Endless => endless(),
        }
    }
}

fn cut(bytes: &[u8], kept: usize) -> Body {
    let kept = bytes.get(..kept).unwrap_or(bytes);
    let first = Some(Bytes::copy_from_slice(kept)).filter(|kept| !kept.is_empty());
    Body::from_stream(stream::unfold(Some(first), |state| async move {
        if let Some(kept) = state? {
            return Some((Ok(kept), Some(None)));
        }
        // Hyper flushes the bytes while the stream is pending.
        tokio::task::yield_now().await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
    }))
}

fn trickle(bytes: Vec<u8>, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(
        bytes.into_iter(),
        move |mut left| async move {
            let byte = left.next()?;
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte])), left))
        },
    ))
}

fn endless() -> Body {
    let start = Bytes::from_static(br#"{"RequestId":""#);
    let filling = Bytes::from_static(&[b'A'; 8192]);
    Body::from_stream(stream::unfold(start, move |next| {
        let filling = filling.clone();
        async move { Some((Ok::<_, Infallible>(next), filling)) }
    }))
}
