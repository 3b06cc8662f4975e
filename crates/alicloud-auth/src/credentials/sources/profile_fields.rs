use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use super::assume_role::{SESSION_NAME, session_seconds};
use crate::credentials::model::Credentials;
use crate::credentials::region::Region;
use crate::credentials::sts::{Role, Sts};

/// A profile, with the field names of the CLI's `config.json`; fields that its mode does not use are empty. Strings have
/// no surrounding whitespace, and `null` counts as not set, as in the CLI.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub(super) name: Text,
    pub(super) mode: Text,
    pub(super) region_id: Text,
    pub(super) access_key_id: Text,
    pub(super) access_key_secret: Secret,
    pub(super) sts_token: Secret,
    pub(super) ram_role_name: Text,
    pub(super) ram_role_arn: Text,
    pub(super) ram_session_name: Text,
    pub(super) role_session_name: Text,
    #[serde(deserialize_with = "default_if_null")]
    pub(super) expired_seconds: i64,
    pub(super) sts_region: Text,
    pub(super) sts_endpoint: Text,
    #[serde(deserialize_with = "default_if_null")]
    pub(super) enable_vpc: bool,
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
    #[serde(deserialize_with = "default_if_null")]
    pub(super) cloud_sso_access_token_expire: i64,
    pub(super) oauth_site_type: Text,
    pub(super) oauth_access_token: Secret,
    /// Unix seconds.
    #[serde(deserialize_with = "default_if_null")]
    pub(super) oauth_access_token_expire: i64,
    pub(super) oauth_refresh_token: Secret,
    pub(super) process_command: Text,
}

impl Profile {
    /// Returns the credentials in the profile itself. `Err` names the part that is invalid.
    pub(super) fn credentials(&self) -> Result<Credentials, &'static str> {
        // The CLI keeps the token of a login when the mode of a profile is changed to permanent keys.
        let token = (*self.mode != *"AK").then_some(&self.sts_token.0);
        Credentials::from_text(&self.access_key_id, &self.access_key_secret.0, token)
    }

    /// Checks that a profile without a mode contains nothing but keys: with a role, for example, the keys alone are
    /// another identity. `origin` names the profile in errors, here and below.
    pub(super) fn check_mode(&self, origin: &str) -> Result<(), String> {
        if !self.mode.is_empty() {
            return Ok(());
        }
        let fields = [
            (&self.oidc_provider_arn, "oidc_provider_arn", "OIDC"),
            (&self.source, "source_profile", "ChainableRamRoleArn"),
            (&self.process_command, "process_command", "External"),
            (&self.ram_role_arn, "ram_role_arn", "RamRoleArn"),
            (&self.ram_role_name, "ram_role_name", "EcsRamRole"),
        ];
        match fields.iter().find(|(value, ..)| !value.is_empty()) {
            None => Ok(()),
            Some((_, field, mode)) => Err(format!(
                "{origin}: it has {field}, but no mode. Set its mode, such as {mode} (in an INI file, its type)"
            )),
        }
    }

    /// Returns the region.
    pub(super) fn region(&self, origin: &str) -> Result<Option<Region>, String> {
        Ok(Region::parse(
            &self.region_id,
            format!("{origin}: region_id"),
        )?)
    }

    /// Returns the STS client with the settings of the profile. They concern profiles of any mode, as in the CLI.
    pub(super) fn sts(&self, origin: &str, sts: &Sts) -> Result<Sts, String> {
        let (endpoint, region) = (&self.sts_endpoint, &self.sts_region);
        Ok(sts.for_profile(endpoint, region, self.enable_vpc, origin)?)
    }

    /// Returns the role that the profile names.
    pub(super) fn role(&self, origin: &str) -> Result<Role, String> {
        let arn = self.ram_role_arn.required("ram_role_arn");
        self.role_with_arn(arn.map_err(|reason| format!("{origin}: {reason}"))?, origin)
    }

    /// As [`Self::role`], for an ARN that need not be the profile's.
    pub(super) fn role_with_arn(&self, arn: String, origin: &str) -> Result<Role, String> {
        let session_names = [&self.ram_session_name, &self.role_session_name];
        let session_name = session_names.into_iter().find_map(Text::non_empty);
        let seconds = Some(self.expired_seconds);
        Ok(Role {
            arn,
            session_name: session_name.unwrap_or_else(|| SESSION_NAME.to_owned()),
            session_seconds: session_seconds(seconds, &format!("{origin}: expired_seconds"))?,
            policy: self.policy.non_empty(),
            external_id: self.external_id.non_empty(),
            source_ip: None,
            secure_transport: None,
        })
    }
}

/// A string of a file, without surrounding whitespace.
#[derive(Clone, Default)]
pub(super) struct Trimmed<T>(pub(super) T);

pub(super) type Text = Trimmed<String>;
pub(super) type Secret = Trimmed<SecretString>;

impl<T: for<'a> From<&'a str>> From<&str> for Trimmed<T> {
    fn from(text: &str) -> Self {
        Self(text.trim().into())
    }
}

impl<'de, T: for<'a> From<&'a str>> Deserialize<'de> for Trimmed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<SecretString> = Option::deserialize(deserializer)?;
        Ok(Self::from(text.unwrap_or_default().expose_secret()))
    }
}

impl Text {
    /// Returns `None` if it is empty.
    pub(super) fn non_empty(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }

    /// Returns an error that names the field if it is empty.
    pub(super) fn required(&self, field: &str) -> Result<String, String> {
        self.non_empty().ok_or_else(|| format!("{field} is empty"))
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Secret {
    pub(super) fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }
}

/// Deserializes `null` as the default value.
pub(super) fn default_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
