//! An access key in the provider block or in the environment.
//!
//! Argument by argument, as the official provider does it: what the block leaves out may stand in a variable, and of
//! the variables the first that is not empty wins.

use secrecy::{ExposeSecret as _, SecretString};

use super::{cli_profile, given, profile};
use crate::credentials::discovery::{
    Candidate, CredentialsConfig, Discovery, ProfileRole, SourceConfigError,
};
use crate::credentials::sts::Sts;
use crate::credentials::system::SystemContext;
use crate::credentials::{Credentials, LoadedCredentials, Region, Source, SourceError};

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

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        Ok(LoadedCredentials::without_expiration(
            self.credentials.clone(),
        ))
    }
}

/// A security token is taken only together with keys from the same kind of place: a token left behind in the
/// environment does not belong to a key pair written into the block. A profile that is named too adds its region and,
/// of mode `RamRoleArn`, its role.
pub(in crate::credentials) async fn discover(
    settings: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let secret = |secret: &Option<SecretString>| {
        let text = secret.as_ref()?.expose_secret().trim();
        (!text.is_empty()).then(|| SecretString::from(text))
    };
    let variable = |names| system.environment.text(names);

    let access_key = given(settings.access_key.as_ref());
    let secret_key = secret(&settings.secret_key);
    let from_block = access_key.is_some() && secret_key.is_some();
    let mut place = "access key of the provider block".to_owned();
    let access_key = match access_key {
        Some(access_key) => Some(access_key),
        None => system
            .environment
            .first(ACCESS_KEY_VARIABLES)?
            .map(|variable| {
                place = format!("access key of the environment ({})", variable.name);
                variable.value
            }),
    };
    let secret_key = match secret_key {
        Some(secret_key) => Some(secret_key),
        None => variable(SECRET_KEY_VARIABLES)?.map(Into::into),
    };
    let Some((id, key)) = key_pair(access_key, secret_key)? else {
        return Ok(Discovery::NotConfigured(format!(
            "neither an access key (argument access_key, {}) nor a secret key (argument secret_key, {}) is set",
            ACCESS_KEY_VARIABLES.join(", "),
            SECRET_KEY_VARIABLES.join(", ")
        )));
    };
    let token = match secret(&settings.security_token) {
        None if !from_block => variable(SECURITY_TOKEN_VARIABLES)?.map(SecretString::from),
        token => token,
    };
    let credentials = Credentials::written(&id, &key, token.as_ref())
        .map_err(|problem| SourceConfigError::new("access_key", format!("the {problem}")))?;
    let (region, role) = beside(settings, system, sts).await?;
    Ok(Discovery::Found(Box::new(Candidate {
        source: Box::new(StaticKeys { place, credentials }),
        role,
        region,
        warnings: Vec::new(),
    })))
}

/// Both halves, or neither.
fn key_pair(
    access_key: Option<String>,
    secret_key: Option<SecretString>,
) -> Result<Option<(String, SecretString)>, SourceConfigError> {
    match (access_key, secret_key) {
        (Some(id), Some(key)) => Ok(Some((id, key))),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let reason = format!(
                "a secret key is set and no access key is: set argument access_key, or one of {}",
                ACCESS_KEY_VARIABLES.join(", ")
            );
            Err(SourceConfigError::new("access_key", reason))
        }
        (Some(_), None) => {
            let reason = format!(
                "it has no secret key: set argument secret_key, or one of {}",
                SECRET_KEY_VARIABLES.join(", ")
            );
            Err(SourceConfigError::new("secret_key", reason))
        }
    }
}

async fn beside(
    settings: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<(Option<Region>, Option<ProfileRole>), SourceConfigError> {
    let Some((profile, place)) = profile::beside_keys(settings, system).await? else {
        return Ok((None, None));
    };
    let broken = |reason: String| SourceConfigError::new("profile", reason);
    let region = cli_profile::region(&profile, &place).map_err(broken)?;
    let role = match &*profile.mode {
        "RamRoleArn" => Some(cli_profile::pending_role(&profile, &place, sts).map_err(broken)?),
        _ => None,
    };
    Ok((region, role))
}
