use std::sync::Arc;

use super::clock::ServerClock;
use super::discovery::SelectedSource;
use super::sts::{CallerIdentity, Sts};
use super::{Credentials, CredentialsCache, LoadedCredentials, Source, SourceError};

/// A source whose account the user names, in argument `account_id` or its variables.
pub(super) struct OfAccount {
    pub(super) base: Box<dyn Source>,
    pub(super) account_id: String,
}

#[async_trait::async_trait]
impl Source for OfAccount {
    fn name(&self) -> String {
        self.base.name()
    }

    fn can_change(&self) -> bool {
        self.base.can_change()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let loaded = self.base.load().await?;
        if let Some(actual) = &loaded.credentials.account_id
            && *actual != self.account_id
        {
            return Err(SourceError::permanent(format!(
                "account_id is {}, but the credentials of {} belong to account {actual}",
                self.account_id,
                self.name()
            )));
        }
        Ok(LoadedCredentials {
            credentials: Credentials {
                account_id: Some(self.account_id.clone()),
                ..loaded.credentials
            },
            ..loaded
        })
    }
}

/// Whose the credentials in use are.
pub struct Identity {
    credentials: CredentialsCache,
    sts: Sts,
}

impl SelectedSource {
    /// The source's credentials, kept fresh, and whose they are.
    pub fn into_use(self, clock: Arc<ServerClock>) -> (CredentialsCache, Identity) {
        let credentials = CredentialsCache::new(self.source, clock);
        let identity = Identity {
            credentials: credentials.clone(),
            sts: self.sts,
        };
        (credentials, identity)
    }
}

impl Identity {
    /// Asks STS (`GetCallerIdentity`), which needs no permission.
    pub async fn caller(&self) -> Result<CallerIdentity, SourceError> {
        let credentials = self.credentials.get().await?;
        self.sts.caller_identity(&credentials).await
    }

    /// The source of the credentials, for messages: `profile "prod" of ~/.aliyun/config.json`.
    pub fn source_name(&self) -> String {
        self.credentials.source_name()
    }

    /// Scheme, host and port of STS.
    pub fn sts_endpoint(&self) -> &str {
        self.sts.endpoint()
    }
}
