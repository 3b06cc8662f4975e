//! What a credentials file holds: profiles, in the words of the CLI's `config.json`.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use super::ini;
use crate::credentials::response::parse;

/// A credentials file.
pub(super) struct ProfileFile {
    /// Its path, as it was written.
    pub(super) file: String,
    /// The profile in use.
    pub(super) current: String,
    pub(super) profiles: Vec<Profile>,
}

/// A profile: what a mode does not use is empty. Texts have no blanks around them, and `null` counts as nothing, as in
/// the CLI.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::credentials) struct Profile {
    pub(super) name: Text,
    pub(super) mode: Text,
    pub(super) region_id: Text,
    pub(super) access_key_id: Text,
    pub(super) access_key_secret: Secret,
    pub(super) sts_token: Secret,
    /// Unix seconds.
    #[serde(deserialize_with = "nothing_for_null")]
    pub(super) sts_expiration: i64,
    pub(super) ram_role_name: Text,
    pub(super) ram_role_arn: Text,
    pub(super) ram_session_name: Text,
    pub(super) role_session_name: Text,
    #[serde(deserialize_with = "nothing_for_null")]
    pub(super) expired_seconds: i64,
    pub(in crate::credentials) sts_region: Text,
    pub(in crate::credentials) sts_endpoint: Text,
    #[serde(deserialize_with = "nothing_for_null")]
    pub(in crate::credentials) enable_vpc: bool,
    pub(super) policy: Text,
    pub(super) external_id: Text,
    #[serde(rename = "source_profile")]
    pub(super) source: Text,
    pub(super) oidc_provider_arn: Text,
    pub(super) oidc_token_file: Text,
    pub(super) credentials_uri: Text,
    pub(super) cloud_sso_sign_in_url: Text,
    pub(super) cloud_sso_account_id: Text,
    pub(super) cloud_sso_access_config: Text,
    pub(super) access_token: Secret,
    /// Unix seconds.
    #[serde(deserialize_with = "nothing_for_null")]
    pub(super) cloud_sso_access_token_expire: i64,
    pub(super) oauth_site_type: Text,
    pub(super) oauth_access_token: Secret,
    /// Unix seconds.
    #[serde(deserialize_with = "nothing_for_null")]
    pub(super) oauth_access_token_expire: i64,
    pub(super) oauth_refresh_token: Secret,
    pub(super) process_command: Text,
}

/// A text of a file, without blanks and line breaks around it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(in crate::credentials) struct Text(String);

impl Text {
    /// None where it is empty.
    pub(super) fn given(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        Ok(Self::from(text.unwrap_or_default().as_str()))
    }
}

/// A secret text of a file.
#[derive(Clone, Default)]
pub(in crate::credentials) struct Secret(pub(super) SecretString);

impl Secret {
    pub(super) fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.trim().into())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<SecretString> = Option::deserialize(deserializer)?;
        Ok(text.map_or_else(Self::default, |text| text.expose_secret().into()))
    }
}

fn nothing_for_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct ConfigJson {
    #[serde(default)]
    current: Text,
    #[serde(deserialize_with = "nothing_for_null")]
    profiles: Vec<Profile>,
}

impl ProfileFile {
    /// Reads either form. Which of the two it is shows in its content, because one variable names both: only JSON begins
    /// with a brace.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, String> {
        if !text.trim_start().starts_with('{') {
            return ini::parse(file, text);
        }
        let config: ConfigJson =
            parse(text).map_err(|reason| format!("{file} cannot be understood: {reason}"))?;
        Ok(Self {
            file: file.to_owned(),
            // As the CLI.
            current: config
                .current
                .given()
                .unwrap_or_else(|| "default".to_owned()),
            profiles: config.profiles,
        })
    }

    pub(super) fn profile(&self, name: &str) -> Result<&Profile, String> {
        let found = self.profiles.iter().find(|profile| *profile.name == *name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.profiles.iter().map(|p| &*p.name).collect();
            format!(
                "{} has no profile {name:?}; it has: {}",
                self.file,
                names.join(", ")
            )
        })
    }
}
