//! Where access keys come from, and how they stay fresh.
//!
//! | file | what lives there |
//! |---|---|
//! | `account` | whose the keys are: the account where it is known, and what STS says |
//! | `discovery` | what the provider block says of credentials, and what a source says when it is asked |
//! | `chain` | which source is used: the order, and what an error of a source means |
//! | `sources/` | one file for each source |
//! | `sts` | the calls that exchange one identity for another, or tell whose it is |
//! | `response` | keys and errors as services write them |
//! | `cache` | credentials of one source, renewed before they expire, once for all callers; what is remembered of failures |
//! | `clock` | the cloud's time, as its responses tell it |
//! | `region` | names of regions, which become parts of host names |
//! | `system/` | files, HTTP, clock, commands, environment: everything a source touches, so that tests can give it another |
//!
//! Choosing a source ([`select_source`]) reads arguments, environment and files, and makes no network call. It ends in one of
//! three ways for each source: not configured, so the next one is asked; broken, so the search stops with a reason
//! that names variable, file or profile; or found. A source that is found makes its calls when keys are first needed.
//!
//! # From arguments to credentials
//!
//! 1. The provider block hands what the block says to [`select_source`]. `chain.rs` asks each source in the official
//!    provider's order. Each says *not configured* (the next one is asked), *broken* (the search stops: another identity
//!    must never take the place of the one that was meant) or *found*. Only arguments, variables and files are read. What is
//!    present and wrong is an `InvalidInput`, which names the variable, the argument, or the field of the file.
//! 2. `assume_role.rs`, `apply_assume_role` puts roles on it: that of the block, or else that of a profile of mode `RamRoleArn`, which
//!    counts beside keys from elsewhere too.
//! 3. The source goes into a `CredentialsCache`, which `LiveClient` asks before each attempt, inside the retry loop and
//!    after any waiting, so that no attempt is signed with an expired key.
//! 4. The first question makes the source's network calls. From 180 s before the keys expire, a question starts a renewal in
//!    the background, at most one in 30 s, and still gets the old keys at once; once they have expired it waits for that same
//!    renewal. Whether they have is decided by `ServerClock`: the machine's clock, corrected by the `Date` of responses of STS.
//! 5. A failure is shared. After a transient one the source is asked again after a growing pause: callers wait through the
//!    first five attempts, then all of them, and all later ones until the next attempt, get the error at once. A permanent one is
//!    told at once for a minute. So the retry loop of a call never repeats what the cache has found out.
//! 6. The API rejects keys with `InvalidSecurityToken.Expired` or `InvalidAccessKeyId.NotFound` all the same (a clock is
//!    off, or they were revoked): unless they were written down somewhere, they are dropped, and the call is made once more with
//!    new ones.
//!
//! Everything that a source touches is in `system/mod.rs`, as values that tests replace. Files are read on
//! another thread, with a timeout, and only regular ones of up to 1 MiB. A program leads a process group of its own, which is
//! killed as a whole. Which proxy a call goes through is decided in `environment/proxy.rs`, for the API client too.

mod account;
mod cache;
mod chain;
mod clock;
mod discovery;
mod region;
mod response;
mod sources;
mod sts;
mod system;

use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;

pub use account::Identity;
pub use cache::CredentialsCache;
pub use chain::{NoCredentials, select_source};
pub use clock::{Clock, Moment, ServerClock, SystemClock};
pub use discovery::{AssumeRole, AssumeRoleWithOidc, CredentialsConfig, SelectedSource};
pub use region::Region;
pub use sources::static_keys::{
    ACCESS_KEY_VARIABLES, SECRET_KEY_VARIABLES, SECURITY_TOKEN_VARIABLES,
};
pub use sts::CallerIdentity;
pub use system::{
    CommandExecute, CommandOutput, FileAccess, FileText, HttpRequest, HttpResponse, HttpSend,
    LockedFile, ProxyPolicy, SystemContext,
};

/// A key pair to sign with. Its `Debug` shows no secret, and the secrets are zeroed when it is dropped.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Names the key; travels in clear with each request.
    pub access_key_id: String,
    /// Signs; never travels.
    pub access_key_secret: SecretString,
    /// Comes with temporary keys and travels with each request.
    pub security_token: Option<SecretString>,
    /// The account that they belong to, 16 digits, where that is known without a call of its own: argument
    /// `account_id`, the ARN of the assumed role, a `CloudSSO` profile.
    pub account_id: Option<String>,
}

impl Credentials {
    /// Keys as somebody wrote them down, without the blanks and line breaks around them. `Err` names the part that no
    /// key has: it would break the headers of a request.
    fn written(
        access_key_id: &str,
        access_key_secret: &SecretString,
        security_token: Option<&SecretString>,
    ) -> Result<Self, &'static str> {
        let trimmed = |text: &str, problem| {
            let text = text.trim();
            let is_fine = text.chars().all(|c| c.is_ascii() && !c.is_control());
            if is_fine {
                Ok(text.to_owned())
            } else {
                Err(problem)
            }
        };
        let id = "access key ID contains a line break or another character that no key has";
        let secret = "access key secret contains a line break or another character that no key has";
        let token = "security token contains a line break or another character that no token has";
        let security_token = security_token.map(|text| trimmed(text.expose_secret(), token));
        Ok(Self {
            access_key_id: trimmed(access_key_id, id)?,
            access_key_secret: trimmed(access_key_secret.expose_secret(), secret)?.into(),
            security_token: security_token
                .transpose()?
                .filter(|token| !token.is_empty())
                .map(SecretString::from),
            account_id: None,
        })
    }

    /// Whether neither the ID nor the secret is empty.
    fn is_complete(&self) -> bool {
        !self.access_key_id.is_empty() && !self.access_key_secret.expose_secret().is_empty()
    }
}

/// Credentials as a source gives them.
#[derive(Clone, Debug)]
pub struct LoadedCredentials {
    /// The keys.
    pub credentials: Credentials,
    /// When they stop working; none for keys that last.
    pub expires_at: Option<OffsetDateTime>,
}

impl LoadedCredentials {
    /// Keys that last.
    pub fn without_expiration(credentials: Credentials) -> Self {
        Self {
            credentials,
            expires_at: None,
        }
    }
}

/// Why a source that is configured gave no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    /// What happened, with the place: variable, file, profile or endpoint. Holds no secret.
    pub reason: String,
    /// Whether the same may work in a moment: no connection, a fault of the server, throttling.
    pub is_transient: bool,
}

impl SourceError {
    /// One that will not pass by itself.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_transient: false,
        }
    }

    /// One that may pass by itself.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_transient: true,
        }
    }
}

/// A place that credentials come from.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// What it is, for messages: `profile "prod" of ~/.aliyun/config.json`.
    fn name(&self) -> String;

    /// Whether [`Self::load`] can return other credentials than before. `false` for those that were written down.
    fn can_change(&self) -> bool {
        true
    }

    /// Obtains keys, with network calls where it takes them. Called again when they are about to expire.
    async fn load(&self) -> Result<LoadedCredentials, SourceError>;
}
