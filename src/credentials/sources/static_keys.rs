//! An access key in the provider block or in the environment.
//!
//! Argument by argument, as the official provider does it: what the block leaves out may stand in a variable, and of
//! the variables the first that is not empty wins.

use secrecy::{ExposeSecret as _, SecretString};

use super::given;
use crate::credentials::chain::{Lookup, Settings};
use crate::credentials::outside::Outside;
use crate::credentials::sts::Sts;
use crate::credentials::{Credentials, Issued, Source, SourceError};

/// Variables that may hold the access key ID, in order. Those of the official provider.
pub const ACCESS_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_ACCESS_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABACLOUD_ACCESS_KEY_ID",
];
/// Variables that may hold the access key secret, in order.
pub const SECRET_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_SECRET_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABACLOUD_ACCESS_KEY_SECRET",
];
/// Variables that may hold the security token of temporary keys, in order.
pub const SECURITY_TOKEN_VARIABLES: &[&str] = &[
    "ALICLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABACLOUD_SECURITY_TOKEN",
];

/// Keys that are written down somewhere.
pub(super) struct StaticKeys {
    pub(super) place: String,
    pub(super) credentials: Credentials,
}

#[async_trait::async_trait]
impl Source for StaticKeys {
    fn name(&self) -> String {
        self.place.clone()
    }

    fn can_change(&self) -> bool {
        false
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        Ok(Issued::lasting(self.credentials.clone()))
    }
}

/// A security token is taken only together with keys from the same kind of place: a token left behind in the
/// environment does not belong to a key pair written into the block.
pub(in crate::credentials) fn look(settings: &Settings, outside: &Outside, _sts: &Sts) -> Lookup {
    let secret = |secret: &Option<SecretString>| {
        secret
            .clone()
            .filter(|secret| !secret.expose_secret().is_empty())
    };
    let variable = |names| outside.environment.first(names);

    let access_key = given(settings.access_key.as_ref());
    let secret_key = secret(&settings.secret_key);
    let from_block = access_key.is_some() && secret_key.is_some();
    let access_key = access_key.or_else(|| variable(ACCESS_KEY_VARIABLES));
    let secret_key = secret_key.or_else(|| variable(SECRET_KEY_VARIABLES).map(Into::into));
    let security_token = secret(&settings.security_token).or_else(|| {
        let stray = || variable(SECURITY_TOKEN_VARIABLES).map(Into::into);
        if from_block { None } else { stray() }
    });

    match (access_key, secret_key) {
        (Some(access_key_id), Some(access_key_secret)) => Lookup::found(StaticKeys {
            place: if from_block {
                "access key of the provider block".to_owned()
            } else {
                "access key of the environment".to_owned()
            },
            credentials: Credentials {
                access_key_id,
                access_key_secret,
                security_token,
                account_id: None,
            },
        }),
        (None, None) => Lookup::NotConfigured(format!(
            "neither an access key (argument access_key, {}) nor a secret key (argument secret_key, {}) is set",
            ACCESS_KEY_VARIABLES.join(", "),
            SECRET_KEY_VARIABLES.join(", ")
        )),
        (None, Some(_)) => Lookup::broken(
            "access_key",
            format!(
                "a secret key is set and no access key is: set argument access_key, or one of {}",
                ACCESS_KEY_VARIABLES.join(", ")
            ),
        ),
        (Some(_), None) => Lookup::broken(
            "secret_key",
            format!(
                "it has no secret key: set argument secret_key, or one of {}",
                SECRET_KEY_VARIABLES.join(", ")
            ),
        ),
    }
}
