use std::sync::Arc;

use super::clock::ServerClock;
use super::discovery::Chosen;
use super::sts::{CallerIdentity, Sts};
use super::{Credentials, CredentialsCache, Issued, Source, SourceError};

/// The account in an ARN such as `acs:ram::1234567890123456:role/name`; none where it holds no account.
pub(super) fn account_in_arn(arn: &str) -> Option<String> {
    let account = arn.strip_prefix("acs:ram::")?.split(':').next()?;
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}

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

    async fn issue(&self) -> Result<Issued, SourceError> {
        let issued = self.base.issue().await?;
        if let Some(actual) = &issued.credentials.account_id
            && *actual != self.account_id
        {
            return Err(SourceError::lasting(format!(
                "account_id is {}, but the credentials of {} belong to account {actual}",
                self.account_id,
                self.name()
            )));
        }
        Ok(Issued {
            credentials: Credentials {
                account_id: Some(self.account_id.clone()),
                ..issued.credentials
            },
            ..issued
        })
    }
}

/// Whose the credentials in use are.
pub struct Identity {
    credentials: CredentialsCache,
    sts: Sts,
}

impl Chosen {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_account_or_none() {
        for (arn, account) in [
            (
                "acs:ram::1234567890123456:role/live",
                Some("1234567890123456"),
            ),
            (
                "acs:ram::1234567890123456:assumed-role/live/ci",
                Some("1234567890123456"),
            ),
            ("acs:ram::*:role/live", None),
            ("acs:ram:::role/live", None),
            ("arn:aws:iam::123456789012:role/live", None),
            ("", None),
        ] {
            assert_eq!(account_in_arn(arn).as_deref(), account, "{arn}");
        }
    }
}
