//! What the client uses of its environment, except for the runtime's timers. All of it is passed as values, so that tests
//! can replace each part.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use url::Url;

use super::{Failure, SendState};
use alicloud_auth::credentials::{Clock, SystemClock, random_bits};

/// The dependencies of a client. By default, those of this machine.
#[derive(Clone)]
pub struct Dependencies {
    /// Sends requests to the API; `None` for HTTP.
    pub exchange: Option<Arc<dyn Exchange>>,
    /// Wall-clock time, for timestamps.
    pub clock: Arc<dyn Clock>,
    /// Random bits, for nonces and jitter.
    pub random: Arc<dyn Random>,
}

impl Default for Dependencies {
    fn default() -> Self {
        Self {
            exchange: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// Sends single requests to the API.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends a request and reads the whole response. Dropping the future closes the connection; a request that has arrived
    /// by then may still be carried out.
    ///
    /// The error is [`Failure::NotSent`] if the request certainly did not arrive, else [`Failure::Ambiguous`].
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure>;
}

/// A signed POST.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// The URL. It contains the signature, which must not be logged.
    pub url: &'a Url,
    /// Headers by name.
    pub headers: &'a [(&'static str, String)],
    /// A form, URL-encoded.
    pub body: &'a str,
    /// Whether existing connections must not be used.
    pub needs_new_connection: bool,
    /// Where to report that the request waits, and that it is sent. Optional if connecting takes no time.
    pub send_state: &'a SendState,
}

/// An HTTP response.
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A source of random bits.
pub trait Random: Send + Sync {
    /// Returns 128 random bits; `None` if the operating system provides none.
    fn bits(&self) -> Option<u128>;
}

struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> Option<u128> {
        random_bits()
    }
}
