use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::cache::CredentialsCache;
use super::clock::ServerClock;
use super::discovery::SelectedSource;
use super::model::Credentials;
use super::source::{CredentialsSource, LoadedCredentials, SourceError};
use super::sts::{CallerIdentity, Sts};
use crate::text::{MAX_MESSAGE_CHARS, printable};

/// A source whose account the user names, in the argument `account_id` or its variables: credentials of another account are an
/// error. Where they do not tell their account, STS must confirm it before the first are used. Later ones are of the same source,
/// and must not be missing in the middle of a change because STS does not respond.
pub(super) struct WithAccountId {
    pub(super) base: Box<dyn CredentialsSource>,
    pub(super) account_id: String,
    pub(super) sts: Sts,
    /// Whether credentials of the source were of this account.
    pub(super) is_confirmed: AtomicBool,
}

#[async_trait::async_trait]
impl CredentialsSource for WithAccountId {
    fn name(&self) -> String {
        self.base.name()
    }

    fn can_change(&self) -> bool {
        self.base.can_change()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let mut loaded = self.base.load().await?;
        if loaded.credentials.account_id.is_none() {
            let is_confirmed = self.is_confirmed.load(Ordering::Relaxed);
            let limit = if is_confirmed {
                ACCOUNT_TIMEOUT
            } else {
                CONFIRMATION_TIMEOUT
            };
            match account_of(&loaded.credentials, &self.sts, limit).await {
                Ok(account_id) => loaded.credentials.account_id = Some(account_id),
                Err(error) if is_confirmed && error.is_transient => return Ok(loaded),
                Err(error) => return Err(self.not_confirmed(&error)),
            }
        }
        if let Some(actual) = &loaded.credentials.account_id
            && *actual != self.account_id
        {
            return Err(SourceError::permanent(format!(
                "account_id is {}, but the credentials of {} belong to account {}",
                self.account_id,
                self.name(),
                printable(actual, MAX_MESSAGE_CHARS)
            )));
        }
        self.is_confirmed.store(true, Ordering::Relaxed);
        Ok(loaded)
    }
}

impl WithAccountId {
    /// Permanent, as STS was asked for long: the source is not asked once more, which may be a program that takes its time.
    fn not_confirmed(&self, error: &SourceError) -> SourceError {
        SourceError::permanent(format!(
            "account_id is {}, but STS does not confirm that the credentials of {} belong to that account: {error}",
            self.account_id,
            self.name()
        ))
    }
}

/// Jobs wait for it, and can do without. Shorter than the checks of a plan, which wait for it, too.
pub(super) const ACCOUNT_TIMEOUT: Duration = Duration::from_secs(2);
/// Nothing is called without it: long enough for a slow network, and for STS to come back after a failure.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(20);
const ACCOUNT_PAUSE: Duration = Duration::from_millis(200);

/// Asks STS for the account, again after transient failures until the time is over.
pub(super) async fn account_of(
    credentials: &Credentials,
    sts: &Sts,
    limit: Duration,
) -> Result<String, SourceError> {
    let mut failure = SourceError::transient("it has not responded in time");
    let ask = async {
        loop {
            match sts.caller_identity(credentials).await {
                Ok(caller) => return Ok(caller.account_id),
                Err(error) if error.is_transient => failure = error,
                Err(error) => return Err(error),
            }
            sleep(ACCOUNT_PAUSE).await;
        }
    };
    let asked = timeout(limit, ask).await;
    let account_id = asked.unwrap_or(Err(failure));
    if let Err(error) = &account_id {
        warn!(%error, "STS does not tell the account");
    }
    account_id
}

/// Looks up which identity the credentials in use belong to.
pub struct Identity {
    credentials: CredentialsCache,
    sts: Sts,
    last_lookup: Mutex<Option<AccountLookup>>,
}

/// Whose account an access key is. A source can return keys of another account than before, such as a program that follows the
/// login of its user.
struct AccountLookup {
    access_key_id: String,
    /// `None` if STS did not say.
    account_id: Option<String>,
}

impl SelectedSource {
    /// Returns a cache of the source's credentials, and the lookup of their identity.
    pub fn into_cache(self, clock: Arc<ServerClock>) -> (CredentialsCache, Identity) {
        let credentials = CredentialsCache::new(self.source, clock);
        let identity = Identity {
            credentials: credentials.clone(),
            sts: self.sts,
            last_lookup: Mutex::default(),
        };
        (credentials, identity)
    }
}

impl Identity {
    /// Calls `GetCallerIdentity` of STS, which needs no permission.
    pub async fn caller(&self) -> Result<CallerIdentity, SourceError> {
        let credentials = self.credentials.get().await?;
        self.sts.caller_identity(&credentials).await
    }

    /// Returns the account of the credentials, which is looked up once for each access key; `None` if STS does not say.
    pub async fn account_id(&self) -> Option<String> {
        let mut last_lookup = self.last_lookup.lock().await;
        let credentials = self.credentials.get().await.ok()?;
        let access_key_id = &credentials.access_key_id;
        if let Some(last) = last_lookup.as_ref()
            && last.access_key_id == *access_key_id
        {
            return last.account_id.clone();
        }
        let account_id = account_of(&credentials, &self.sts, ACCOUNT_TIMEOUT).await;
        let account_id = account_id.ok();
        *last_lookup = Some(AccountLookup {
            access_key_id: access_key_id.clone(),
            account_id: account_id.clone(),
        });
        account_id
    }

    /// An error if the credentials are valid for a shorter time than this and cannot be renewed.
    pub async fn ensure_valid_for(&self, lifetime: Duration) -> Result<(), SourceError> {
        self.credentials.get_valid_for(lifetime).await.map(drop)
    }

    /// Returns the source of the credentials, for messages: `profile "prod" of ~/.aliyun/config.json`.
    pub fn source_name(&self) -> String {
        self.credentials.source_name()
    }

    /// Returns scheme, host and port of STS.
    pub fn sts_endpoint(&self) -> &str {
        self.sts.endpoint()
    }
}
