use time::OffsetDateTime;

use super::model::Credentials;

/// A source of credentials: an access key pair, a profile, a role, a helper program.
#[async_trait::async_trait]
pub trait CredentialsSource: Send + Sync {
    /// Returns what the source is, for messages: `profile "prod" of ~/.aliyun/config.json`.
    fn name(&self) -> String;

    /// Whether [`Self::load`] can return other credentials than before. `false` for static ones.
    fn can_change(&self) -> bool {
        true
    }

    /// Loads credentials, with network calls if necessary. Called again when they are about to expire.
    async fn load(&self) -> Result<LoadedCredentials, SourceError>;
}

/// Credentials as a source returns them.
#[derive(Clone, Debug)]
pub struct LoadedCredentials {
    /// The credentials.
    pub credentials: Credentials,
    /// When they expire; `None` if never.
    pub expires_at: Option<OffsetDateTime>,
}

/// Why a configured source returned no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    /// What happened, with its origin: variable, file, profile or endpoint. Contains no secret.
    pub reason: String,
    /// Whether a retry may succeed: no connection, a server error, throttling.
    pub is_transient: bool,
}

impl SourceError {
    /// Returns an error that a retry does not cure.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_transient: false,
        }
    }

    /// Returns an error that a retry may cure.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_transient: true,
        }
    }

    /// Returns the error for a response other than HTTP 200. `origin` names its sender.
    pub(super) fn of_status(origin: &str, status: u16) -> Self {
        Self {
            reason: format!("{origin} responded with HTTP {status}"),
            is_transient: status >= 500 || status == 429,
        }
    }

    /// Returns the error for a response that cannot be read. `origin` names its sender.
    pub(super) fn unexpected(origin: &str, reason: &str) -> Self {
        Self::permanent(format!(
            "{origin} returned an unexpected response: {reason}"
        ))
    }
}

/// Credentials that are written down somewhere and never change.
pub(super) struct StaticCredentials {
    /// Where they are written down, for messages.
    pub(super) origin: String,
    pub(super) credentials: Credentials,
}

#[async_trait::async_trait]
impl CredentialsSource for StaticCredentials {
    fn name(&self) -> String {
        self.origin.clone()
    }

    fn can_change(&self) -> bool {
        false
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        Ok(LoadedCredentials {
            credentials: self.credentials.clone(),
            expires_at: None,
        })
    }
}
