use std::fmt;
use std::time::Duration;

use super::call_context::Interruption;
use super::error_codes::{ErrorClass, classify};
use alicloud_auth::credentials::SourceError;

/// An error response of the API. Its strings are sanitized: limited in length, on one line, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status. It differs between products and over time for the same code, so `code` decides.
    pub status: u16,
    /// The error code, such as `JobNotFound`.
    pub code: String,
    /// The message, for people only.
    pub message: String,
    /// The `RequestId`, which identifies the call in Alibaba Cloud's logs; may be empty.
    pub request_id: String,
    /// The missing permission, if RAM names it: a sentence with the action, the resource and the policy type.
    pub access_denied: Option<String>,
}

impl ApiError {
    /// Returns what the code says about the call.
    pub(super) fn class(&self) -> ErrorClass {
        classify(&self.code, self.status)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (HTTP {})", self.code, self.status)?;
        if self.message.is_empty() {
            write!(f, ".")?;
        } else {
            write!(f, ": {}", self.message)?;
        }
        if let Some(access_denied) = &self.access_denied {
            write!(f, " {access_denied}")?;
        }
        if self.request_id.is_empty() {
            Ok(())
        } else {
            write!(f, " (RequestId: {})", self.request_id)
        }
    }
}

/// What is known of the effect of a failed call. The cases are types of their own, so that every retry has to distinguish
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The request was not sent: nothing was done.
    NotSent(NotSent),
    /// The API rejected the call before any work: nothing was done.
    Rejected(ApiError),
    /// The request was sent, and there is no reliable response: the work may have been done.
    Ambiguous(Ambiguous),
}

/// Why a call was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// No connection: host name not found, connection refused, TLS error, timeout while connecting.
    NoConnection(String),
    /// Earlier calls of the operation were sent and got no response.
    NoResponse(String),
    /// The server's TLS certificate is not trusted.
    UntrustedCertificate(String),
    /// The call was cancelled before it was sent.
    Cancelled,
    /// The deadline was reached before it was sent.
    DeadlineExceeded,
    /// The operating system provided no random bytes for the nonce.
    NoNonce,
    /// The credentials source returned none.
    NoCredentials(SourceError),
}

/// Why the effect of a call is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ambiguous {
    /// No complete response within this time.
    TimedOut(Duration),
    /// The connection was lost.
    ConnectionLost(String),
    /// The API returned a server error, which may have occurred after the work.
    ServerFault(ApiError),
    /// The API returned an unknown error code, possibly below HTTP 500: only a known one proves that nothing was done.
    UnknownCode(ApiError),
    /// `SignatureNonceUsed`: an earlier copy of this request has arrived.
    AlreadyReceived(ApiError),
    /// The response cannot be read: truncated, too long, not JSON, or not of the documented shape.
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The call was cancelled, and no response arrived in the remaining time.
    Cancelled,
}

/// A failed call to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The operation, such as `GetEdgeTranscodeJob`.
    pub operation: &'static str,
    /// Scheme, host and port of the API, and which proxy the call went through, for people only.
    pub endpoint: String,
    /// The number of attempts.
    pub attempts: u32,
    /// What is known of the call as a whole: once an attempt may have done the work, a later one does not undo it.
    pub failure: Failure,
    /// How the last attempt was rejected, if an earlier one may have done the work.
    pub rejection: Option<Box<ApiError>>,
}

impl CallError {
    /// Returns the error response, if there was a readable one.
    pub fn api_error(&self) -> Option<&ApiError> {
        self.rejection.as_deref().or(match &self.failure {
            Failure::Rejected(error)
            | Failure::Ambiguous(
                Ambiguous::ServerFault(error)
                | Ambiguous::UnknownCode(error)
                | Ambiguous::AlreadyReceived(error),
            ) => Some(error),
            Failure::NotSent(_) | Failure::Ambiguous(_) => None,
        })
    }

    /// Whether the job verifiably does not exist: HTTP 404 *and* code `JobNotFound` in a readable body. Nothing else proves
    /// this; other codes come with 404 too. Also `true` if an earlier attempt may have done the work, for example a delete:
    /// IDs are not reused.
    pub fn is_job_not_found(&self) -> bool {
        let is_not_found = |error: &ApiError| error.status == 404 && error.code == "JobNotFound";
        matches!(&self.failure, Failure::Rejected(error) if is_not_found(error))
            || self.rejection.as_deref().is_some_and(is_not_found)
    }

    /// Whether the template verifiably does not exist: HTTP 404 *and* code `TemplateNotFound`.
    pub fn is_template_not_found(&self) -> bool {
        matches!(&self.failure, Failure::Rejected(error)
            if error.status == 404 && error.code == "TemplateNotFound")
    }

    /// Whether the call may have done its work. A read shows whether it has.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.failure, Failure::Ambiguous(_))
    }

    /// Whether the call was not sent: nothing was done.
    pub fn is_not_sent(&self) -> bool {
        matches!(self.failure, Failure::NotSent(_))
    }

    /// Whether the API rejected the call, and no attempt has done any work.
    pub fn is_rejected(&self) -> bool {
        matches!(self.failure, Failure::Rejected(_))
    }

    /// Whether the API rejected the call because it is busy, and no attempt has done any work.
    pub fn is_throttled(&self) -> bool {
        matches!(&self.failure, Failure::Rejected(error) if error.class() == ErrorClass::Throttled)
    }

    /// Whether the API rejected the call with this code, and no attempt has done any work.
    pub fn is_rejected_with(&self, code: &str) -> bool {
        matches!(&self.failure, Failure::Rejected(error) if error.code == code)
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self.failure,
            Failure::NotSent(NotSent::Cancelled) | Failure::Ambiguous(Ambiguous::Cancelled)
        )
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what_happened = self.failure.describe(&self.endpoint);
        write!(f, "{}{what_happened}", self.operation)?;
        if let Some(rejection) = &self.rejection {
            write!(f, " A retry was rejected with {rejection}")?;
        }
        if self.attempts > 1 {
            write!(f, " ({} attempts)", self.attempts)?;
        }
        Ok(())
    }
}

impl Failure {
    /// Returns the rest of a sentence that begins with the operation.
    fn describe(&self, endpoint: &str) -> String {
        match self {
            Self::NotSent(NotSent::NoConnection(reason)) => {
                format!(": no connection to {endpoint}: {reason}.")
            }
            Self::NotSent(NotSent::NoResponse(reason)) => {
                format!(
                    " was not sent, because {endpoint} did not respond to earlier calls: {reason}."
                )
            }
            Self::NotSent(NotSent::UntrustedCertificate(reason)) => format!(
                " was not sent, because the TLS certificate of {endpoint} is not trusted: {reason}. Check the endpoint and \
                 this machine's clock. If a proxy inspects TLS, add its CA certificate to the system's trust store (on \
                 Linux, SSL_CERT_FILE can name it instead)."
            ),
            Self::NotSent(NotSent::Cancelled) => " was not sent: interrupted.".to_owned(),
            Self::NotSent(NotSent::DeadlineExceeded) => {
                " was not sent: the timeout was reached.".to_owned()
            }
            Self::NotSent(NotSent::NoNonce) => {
                " was not sent: the operating system provided no random bytes.".to_owned()
            }
            Self::NotSent(NotSent::NoCredentials(error)) => {
                format!(" was not sent, because there are no credentials: {error}.")
            }
            Self::Rejected(error) => format!(" failed with {error}"),
            Self::Ambiguous(Ambiguous::TimedOut(time)) => {
                let seconds = time.as_secs_f32();
                format!(": no complete response from {endpoint} within {seconds:.1} s.")
            }
            Self::Ambiguous(Ambiguous::ConnectionLost(reason)) => {
                format!(": lost the connection to {endpoint} before it responded: {reason}.")
            }
            Self::Ambiguous(Ambiguous::ServerFault(error)) => {
                format!(": the API returned a server error: {error}")
            }
            Self::Ambiguous(Ambiguous::UnknownCode(error)) => {
                format!(": the API returned an unknown error: {error}")
            }
            Self::Ambiguous(Ambiguous::AlreadyReceived(error)) => {
                format!(": the API had received this request, but its response was lost: {error}")
            }
            Self::Ambiguous(Ambiguous::Unreadable { status, reason }) => {
                format!(": {endpoint} returned an unexpected response (HTTP {status}): {reason}.")
            }
            Self::Ambiguous(Ambiguous::Cancelled) => {
                format!(": interrupted before {endpoint} responded.")
            }
        }
    }
}

impl std::error::Error for CallError {}

impl From<Interruption> for NotSent {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Cancelled => Self::Cancelled,
            Interruption::DeadlineExceeded => Self::DeadlineExceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ApiError {
        /// An error response with this code and nothing else.
        pub(crate) fn of_code(code: &str) -> Self {
            Self {
                status: 400,
                code: code.to_owned(),
                message: String::new(),
                request_id: String::new(),
                access_denied: None,
            }
        }
    }

    #[test]
    fn a_failure_says_one_thing_of_the_call() {
        let rejected = |code: &str| Failure::Rejected(ApiError::of_code(code));
        for (failure, says) in [
            (rejected("OperationDenied"), [true, false, false, false]),
            (rejected("Throttling.User"), [true, true, false, false]),
            (
                Failure::NotSent(NotSent::NoNonce),
                [false, false, true, false],
            ),
            (
                Failure::Ambiguous(Ambiguous::Cancelled),
                [false, false, false, true],
            ),
        ] {
            let error = CallError {
                operation: "Operation",
                endpoint: String::new(),
                attempts: 1,
                failure,
                rejection: None,
            };
            let said = [
                error.is_rejected(),
                error.is_throttled(),
                error.is_not_sent(),
                error.is_ambiguous(),
            ];
            assert_eq!(said, says, "{:?}", error.failure);
        }
    }
}
