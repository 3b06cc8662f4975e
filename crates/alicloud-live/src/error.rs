use std::fmt;
use std::time::Duration;

use alicloud_auth::credentials::SourceError;

/// An answer in which the cloud reports an error. Its texts are the other side's, cleaned: bounded in length, on one line,
/// without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status of the answer. Differs between products and years for one and the same code: decide by `code`.
    pub status: u16,
    /// Alibaba Cloud's error code, such as `JobNotFound`.
    pub code: String,
    /// Alibaba Cloud's free text. For people only.
    pub message: String,
    /// Names the call in Alibaba Cloud's logs; empty when the answer had none.
    pub request_id: String,
    /// Which permission is missing, where RAM says so: one sentence with the action, the resource and the policy type.
    pub access_denied: Option<String>,
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

/// A call that did not succeed, by what is known of its effect. The three cases are types of their own so that
/// nobody can repeat a call without having looked at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The cloud never saw the call: nothing was done.
    NotSent(NotSent),
    /// The cloud refused the call before doing the work: nothing was done.
    Rejected(ApiError),
    /// The call was sent and there is no trustworthy answer: the work may have been done.
    Ambiguous(Ambiguous),
}

/// Why a call was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// No connection: name not found, refused, TLS failed, timed out while connecting.
    NoConnection(String),
    /// The TLS certificate of whoever answers there is not trusted.
    UntrustedCertificate(String),
    /// The user asked to stop before it was sent.
    Cancelled,
    /// The time for the whole piece of work was over before it was sent.
    DeadlineExceeded,
    /// The operating system gave no random bytes for the nonce.
    NoNonce,
    /// The source of credentials gave none.
    NoCredentials(SourceError),
}

/// Why the effect of a call is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ambiguous {
    /// No complete answer within this time.
    TimedOut(Duration),
    /// The connection broke.
    ConnectionLost(String),
    /// The cloud reports a fault of its own, which may have come after the work.
    ServerFault(ApiError),
    /// An error code that is not known, below HTTP 500 too: only a known one proves that nothing was done.
    UnknownCode(ApiError),
    /// `SignatureNonceUsed`: an earlier copy of this very request has arrived.
    AlreadyReceived(ApiError),
    /// The answer cannot be read: cut, too long, not JSON, or not of the documented shape.
    Unreadable {
        /// HTTP status of the answer.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The user asked to stop and no answer came within the time that is left then.
    Cancelled,
}

/// A failed call to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The operation, such as `GetEdgeTranscodeJob`.
    pub action: &'static str,
    /// Scheme, host and port that were called.
    pub endpoint: String,
    /// How many attempts were made.
    pub attempts: u32,
    /// What is known of the call as a whole: once an attempt may have done the work, no later one makes that undone.
    pub failure: Failure,
    /// How the last attempt was rejected, where an earlier one may have done the work.
    pub rejection: Option<Box<ApiError>>,
}

impl CallError {
    /// The cloud's answer, where it gave one that could be read.
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

    /// Whether the job verifiably does not exist: HTTP 404 *and* code `JobNotFound` in a body that could be read.
    /// Nothing else proves that a job is gone; other codes come with 404 too. True also where an earlier attempt may have
    /// done the work, a delete for example: no ID comes back.
    pub fn is_job_not_found(&self) -> bool {
        let is_it = |error: &ApiError| error.status == 404 && error.code == "JobNotFound";
        matches!(&self.failure, Failure::Rejected(error) if is_it(error))
            || self.rejection.as_deref().is_some_and(is_it)
    }

    /// Whether the template verifiably does not exist: HTTP 404 *and* code `TemplateNotFound`.
    pub fn is_template_not_found(&self) -> bool {
        matches!(&self.failure, Failure::Rejected(error)
            if error.status == 404 && error.code == "TemplateNotFound")
    }

    /// Whether the call may have done its work. What became of it is found out by reading.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.failure, Failure::Ambiguous(_))
    }

    /// Whether the cloud refused the call for this code, and did nothing of it in any attempt.
    pub fn is_rejected_with(&self, code: &str) -> bool {
        matches!(&self.failure, Failure::Rejected(error) if error.code == code)
    }

    /// Whether the call ended because the user asked to stop.
    pub fn is_stopped(&self) -> bool {
        matches!(
            self.failure,
            Failure::NotSent(NotSent::Cancelled) | Failure::Ambiguous(Ambiguous::Cancelled)
        )
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action, endpoint, ..
        } = self;
        match &self.failure {
            Failure::NotSent(reason) => reason.tell(f, action, endpoint)?,
            Failure::Rejected(error) => write!(f, "{action} failed with {error}")?,
            Failure::Ambiguous(reason) => reason.tell(f, action, endpoint)?,
        }
        if let Some(rejection) = &self.rejection {
            write!(f, " A retry was rejected with {rejection}")?;
        }
        if self.attempts > 1 {
            write!(f, " ({} attempts)", self.attempts)?;
        }
        Ok(())
    }
}

impl NotSent {
    /// One sentence about the call of this operation to this endpoint.
    fn tell(&self, f: &mut fmt::Formatter<'_>, action: &str, endpoint: &str) -> fmt::Result {
        match self {
            Self::NoConnection(reason) => {
                write!(f, "{action}: no connection to {endpoint}: {reason}.")
            }
            Self::UntrustedCertificate(reason) => write!(
                f,
                "{action} was not sent, because the TLS certificate of {endpoint} is not trusted: {reason}. Check the \
                 endpoint and this machine's clock. If a proxy inspects TLS, add its CA certificate to the system's trust \
                 store (on Linux, SSL_CERT_FILE can name it instead)."
            ),
            Self::Cancelled => write!(f, "{action} was not sent: interrupted."),
            Self::DeadlineExceeded => write!(f, "{action} was not sent: the timeout was reached."),
            Self::NoNonce => write!(
                f,
                "{action} was not sent: the operating system provided no random bytes."
            ),
            Self::NoCredentials(error) => write!(
                f,
                "{action} was not sent, because there are no credentials: {error}."
            ),
        }
    }
}

impl Ambiguous {
    /// One sentence about the call of this operation to this endpoint.
    fn tell(&self, f: &mut fmt::Formatter<'_>, action: &str, endpoint: &str) -> fmt::Result {
        match self {
            Self::TimedOut(time) => write!(
                f,
                "{action}: no complete response from {endpoint} within {:.1} s.",
                time.as_secs_f32()
            ),
            Self::ConnectionLost(reason) => write!(
                f,
                "{action}: lost the connection to {endpoint} before it responded: {reason}."
            ),
            Self::ServerFault(error) => {
                write!(f, "{action}: the API returned a server error: {error}")
            }
            Self::UnknownCode(error) => {
                write!(f, "{action}: the API returned an unknown error: {error}")
            }
            Self::AlreadyReceived(error) => write!(
                f,
                "{action}: the API had received this request, but its response was lost: {error}"
            ),
            Self::Unreadable { status, reason } => write!(
                f,
                "{action}: {endpoint} returned an unexpected response (HTTP {status}): {reason}."
            ),
            Self::Cancelled => write!(f, "{action}: interrupted before {endpoint} responded."),
        }
    }
}

impl std::error::Error for CallError {}
