//! An access key pair in the provider block or in the environment.
//!
//! Each argument has its own variables, as in the official provider: of these, the first that is not empty is used.

use secrecy::SecretString;

use super::{non_empty, non_empty_secret, profile};
use crate::credentials::discovery::{
    Candidate, CredentialsConfig, Discovery, SourceConfigError, Warning,
};
use crate::credentials::model::Credentials;
use crate::credentials::region::Region;
use crate::credentials::source::StaticCredentials;
use crate::credentials::sts::{Role, Sts};
use crate::credentials::system::SystemContext;

/// Variables for the access key ID, in order. Those of the official provider.
pub const ACCESS_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_ACCESS_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABACLOUD_ACCESS_KEY_ID",
];
/// Variables for the access key secret, in order.
pub const SECRET_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_SECRET_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABACLOUD_ACCESS_KEY_SECRET",
];
/// Variables for the security token of temporary credentials, in order.
pub const SECURITY_TOKEN_VARIABLES: &[&str] = &[
    "ALICLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABACLOUD_SECURITY_TOKEN",
];

/// Uses a security token only with an access key pair of the same origin: a token left behind in the environment does
/// not belong to an access key pair in the block. In the block, a token without an access key pair is an error: another
/// identity must not replace the one that it is for. A configured profile contributes its region, its STS settings
/// and, in mode `RamRoleArn`, its role.
pub(in crate::credentials) async fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let variable = |names| system.environment.text(names);

    let access_key = non_empty(config.access_key.as_ref());
    let secret_key = non_empty_secret(config.secret_key.as_ref());
    let is_from_block = access_key.is_some() && secret_key.is_some();
    let mut origin = "access key of the provider block".to_owned();
    let access_key = match access_key {
        Some(access_key) => Some(access_key),
        None => system
            .environment
            .first(ACCESS_KEY_VARIABLES)?
            .map(|variable| {
                origin = format!("access key of the environment ({})", variable.name);
                variable.value
            }),
    };
    let secret_key = match secret_key {
        Some(secret_key) => Some(secret_key),
        None => variable(SECRET_KEY_VARIABLES)?.map(Into::into),
    };
    let argument_token = non_empty_secret(config.security_token.as_ref());
    let Some((id, key)) = key_pair(access_key, secret_key)? else {
        if argument_token.is_some() {
            let reason = "a security token is set, but no access key: set arguments access_key and secret_key";
            return Err(SourceConfigError::new("security_token", reason));
        }
        return Ok(Discovery::NotConfigured(format!(
            "neither an access key (argument access_key, {}) nor a secret key (argument secret_key, {}) is set",
            ACCESS_KEY_VARIABLES.join(", "),
            SECRET_KEY_VARIABLES.join(", ")
        )));
    };
    let token = match argument_token {
        None if !is_from_block => variable(SECURITY_TOKEN_VARIABLES)?.map(SecretString::from),
        token => token,
    };
    let credentials = Credentials::from_text(&id, &key, token.as_ref())
        .map_err(|problem| SourceConfigError::new("access_key", format!("the {problem}")))?;
    let mut warnings = Vec::new();
    let settings = profile_settings(config, system, sts, &mut warnings).await?;
    Ok(Discovery::Found(Box::new(Candidate {
        source: Box::new(StaticCredentials {
            origin,
            credentials,
        }),
        role: settings.role,
        sts: settings.sts,
        region: settings.region,
        warnings,
    })))
}

/// Returns both halves, or neither.
fn key_pair(
    access_key: Option<String>,
    secret_key: Option<SecretString>,
) -> Result<Option<(String, SecretString)>, SourceConfigError> {
    match (access_key, secret_key) {
        (Some(id), Some(key)) => Ok(Some((id, key))),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let reason = format!(
                "a secret key is set, but no access key: set argument access_key, or one of {}",
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

/// What a profile contributes that is configured in addition to the access key pair.
#[derive(Default)]
struct ProfileSettings {
    region: Option<Region>,
    role: Option<Role>,
    sts: Option<Sts>,
}

async fn profile_settings(
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
    warnings: &mut Vec<Warning>,
) -> Result<ProfileSettings, SourceConfigError> {
    let found = profile::find_configured(config, system, warnings).await?;
    let Some((profile, origin)) = found else {
        return Ok(ProfileSettings::default());
    };
    let invalid = |reason: String| SourceConfigError::new("profile", reason);
    profile.check_mode(&origin).map_err(invalid)?;
    let role = match &*profile.mode {
        "RamRoleArn" => Some(profile.role(&origin).map_err(invalid)?),
        _ => None,
    };
    Ok(ProfileSettings {
        region: profile.region(&origin).map_err(invalid)?,
        role,
        sts: Some(profile.sts(&origin, sts).map_err(invalid)?),
    })
}
