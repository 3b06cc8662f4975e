//! A call, from an operation through the retry loop, and its result.

use std::time::Duration;

use time::OffsetDateTime;

use super::request::{Parameters, SignedRequest};
use super::{CallError, Failure};
use alicloud_auth::credentials::Moment;

/// A call of an operation.
pub(super) struct ApiCall {
    pub(super) operation: &'static str,
    pub(super) parameters: Parameters,
    pub(super) kind: OperationKind,
}

impl ApiCall {
    pub(super) fn new<'a>(
        operation: &'static str,
        kind: OperationKind,
        parameters: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Self {
        let parameters = parameters.into_iter();
        Self {
            operation,
            kind,
            parameters: parameters
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
        }
    }

    /// Returns the cluster that it concerns.
    pub(super) fn cluster_id(&self) -> &str {
        self.parameter("ClusterId").unwrap_or_default()
    }

    /// Returns cluster and ID of the job that it concerns, if it concerns a single job.
    pub(super) fn job(&self) -> Option<(String, String)> {
        let job_id = self.parameter("JobId")?;
        Some((self.cluster_id().to_owned(), job_id.to_owned()))
    }

    /// Returns the value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(other, _)| *other == name)?;
        Some(value)
    }
}

/// What a retry of an operation would do, which decides after which failures it is retried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OperationKind {
    /// Changes nothing: retried after any transient failure, abandoned at once when the call is cancelled.
    Read,
    /// A read whose result may not be needed, and that is requested again if it is: one attempt.
    Prefetch,
    /// The second time has no effect or is rejected: retried after any transient failure. While it is unknown whether a
    /// copy has arrived, the identical bytes are sent, which the gateway runs at most once: a late copy cannot undo later
    /// changes.
    IdempotentWrite,
    /// The second time creates a duplicate: retried only if nothing was done. That is certain if the request was not sent,
    /// or was rejected for throttling, for its timestamp or for expired credentials.
    Create,
}

impl OperationKind {
    pub(super) fn is_write(self) -> bool {
        matches!(self, Self::IdempotentWrite | Self::Create)
    }
}

/// A successful response.
pub(super) struct ApiResponse<T> {
    pub(super) value: T,
    pub(super) time: Option<ResponseTime>,
}

/// When the server created a response.
#[derive(Clone, Copy)]
pub(super) struct ResponseTime {
    /// By the server's clock: the header `Date`.
    pub(super) date: OffsetDateTime,
    /// A moment before it, when the request was about to be sent.
    pub(super) requested: Moment,
}

/// A sent request, and when it was sent: a job that a create created cannot be older.
#[derive(Clone)]
pub(super) struct SentRequest {
    pub(super) request: SignedRequest,
    pub(super) at: Moment,
    /// The same by the server's clock, as far as this machine knew it: no request is accepted whose timestamp is far from it.
    pub(super) timestamp: OffsetDateTime,
}

/// A failed call, and the request of the attempt that the error describes, unless it was not sent.
pub(super) struct FailedCall {
    pub(super) error: CallError,
    pub(super) sent: Option<SentRequest>,
}

/// A failed attempt, and the wait that the server requested.
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
