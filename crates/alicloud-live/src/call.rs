//! A call on its way: what travels from an operation through the retry loop and back.

use std::time::Duration;

use time::OffsetDateTime;

use super::request::{Parameters, SignedRequest};
use super::{CallError, Failure};
use alicloud_auth::credentials::Moment;

/// One operation to be called.
pub(super) struct ApiCall {
    pub(super) action: &'static str,
    pub(super) parameters: Parameters,
    pub(super) kind: OperationKind,
}

impl ApiCall {
    /// The cluster that it concerns.
    pub(super) fn cluster_id(&self) -> &str {
        self.parameter("ClusterId").unwrap_or_default()
    }

    /// The cluster and ID of the one job that it concerns.
    pub(super) fn job(&self) -> Option<(String, String)> {
        let job_id = self.parameter("JobId")?;
        Some((self.cluster_id().to_owned(), job_id.to_owned()))
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, wanted: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(name, _)| *name == wanted)?;
        Some(value)
    }
}

/// What a repetition of a call would do. Decides which failures allow one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OperationKind {
    /// Changes nothing: repeated after any passing failure, abandoned at once on a stop.
    Read,
    /// A read that may turn out not to be needed, and is asked for again when it is: made once.
    Prefetch,
    /// Doing it twice is as doing it once, or the second time is refused: repeated after any passing failure. While it is
    /// open whether a copy arrived, the very same bytes are sent, which the gateway runs at most once: a copy that comes
    /// late cannot undo what was done since.
    IdempotentWrite,
    /// Doing it twice makes two: repeated only when nothing was done, which is certain when it was not sent, and when it
    /// was refused for throttling, for the clock or for expired keys.
    Create,
}

impl OperationKind {
    pub(super) fn changes(self) -> bool {
        matches!(self, Self::IdempotentWrite | Self::Create)
    }
}

/// A successful response.
pub(super) struct ApiResponse<T> {
    pub(super) value: T,
    pub(super) time: Option<ResponseTime>,
}

/// When a response was made.
#[derive(Clone, Copy, Debug)]
pub struct ResponseTime {
    /// By the server's clock: the header `Date`.
    pub date: OffsetDateTime,
    /// Not before this moment, when its request was about to be sent.
    pub requested: Moment,
}

/// A request that was sent, and when: for a create, no job that it made can be older.
#[derive(Clone)]
pub(super) struct SentRequest {
    pub(super) request: SignedRequest,
    pub(super) at: Moment,
}

/// A failed call, and the request of the attempt that it tells of, unless that was never sent.
pub(super) struct FailedCall {
    pub(super) error: CallError,
    pub(super) sent: Option<SentRequest>,
}

/// A failed attempt, and the wait that the server asked for.
pub(super) struct FailedAttempt {
    pub(super) failure: Failure,
    pub(super) retry_after: Option<Duration>,
}

impl From<Failure> for FailedAttempt {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}
