//! What the client touches of the world besides the runtime's timers, as values: nothing here is global, so tests give
//! it another world.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use url::Url;

use super::{Departure, Failure};
use alicloud_auth::credentials::{Clock, SystemClock};

/// All that a client touches.
#[derive(Clone)]
pub struct Dependencies {
    /// Carries requests to the API; none: HTTP.
    pub exchange: Option<Arc<dyn Exchange>>,
    /// Wall-clock time, for timestamps.
    pub clock: Arc<dyn Clock>,
    /// Random bits, for nonces and for the spread of waits.
    pub random: Arc<dyn Random>,
}

impl Dependencies {
    /// The real world.
    pub fn real() -> Self {
        Self {
            exchange: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// Carries one request to the API and brings the answer.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `request` and reads the whole answer. Dropping the future hangs up; what has arrived by then may still be
    /// carried out.
    ///
    /// The error is [`Failure::NotSent`] if the request certainly did not arrive, else [`Failure::Ambiguous`].
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure>;
}

/// A signed POST.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// Where to. Holds the signature, which no log may show.
    pub url: &'a Url,
    /// Name and value of each header.
    pub headers: &'a [(&'static str, String)],
    /// A form.
    pub body: &'a str,
    /// The connections that were used before are not to be trusted.
    pub needs_new_connection: bool,
    /// Where to say that the request waits, and that it leaves. An exchange for which connecting takes no time need not
    /// say anything.
    pub departure: &'a Departure,
}

/// An answer as it came.
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Gives random bits.
pub trait Random: Send + Sync {
    /// 128 random bits; `None` if there are none to be had.
    fn bits(&self) -> Option<u128>;
}

struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> Option<u128> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(u128::from_ne_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_never_gives_the_same_bits_twice() {
        assert_ne!(SystemRandom.bits().unwrap(), SystemRandom.bits().unwrap());
    }
}
