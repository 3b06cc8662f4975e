//! Profiles of the command line tool (`aliyun configure`), by their modes.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::assume_role::{AssumedRole, SESSION_NAME, SESSION_SECONDS};
use super::cached_keys::CachedKeys;
use super::cloud_sso::CloudSso;
use super::credentials_uri::CredentialsUri;
use super::ecs_role::EcsRole;
use super::external::External;
use super::oidc::{OidcRole, Token};
use super::static_keys::StaticKeys;
use crate::credentials::chain::Chosen;
use crate::credentials::outside::Outside;
use crate::credentials::sts::{Role, Sts, parse};
use crate::credentials::{Credentials, Source};

const MODES: &str = "AK, StsToken, RamRoleArn, EcsRamRole, RamRoleArnWithRoleName, ChainableRamRoleArn, OIDC, \
                     CredentialsURI, CloudSSO, OAuth, External";
/// Profiles that name each other as their source.
const LONGEST_CHAIN: usize = 8;

/// A credentials file.
pub(super) struct ProfileFile {
    /// Its path, as it was written.
    pub(super) file: String,
    /// The profile in use.
    pub(super) current: String,
    pub(super) profiles: Vec<Profile>,
}

/// A profile: what a mode does not use is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) mode: String,
    pub(super) region_id: String,
    pub(super) access_key_id: String,
    pub(super) access_key_secret: SecretString,
    pub(super) sts_token: SecretString,
    /// Unix seconds.
    pub(super) sts_expiration: i64,
    pub(super) ram_role_name: String,
    pub(super) ram_role_arn: String,
    pub(super) ram_session_name: String,
    pub(super) role_session_name: String,
    pub(super) expired_seconds: i64,
    pub(super) sts_region: String,
    pub(super) enable_vpc: bool,
    pub(super) policy: String,
    pub(super) external_id: String,
    #[serde(rename = "source_profile")]
    pub(super) source: String,
    pub(super) oidc_provider_arn: String,
    pub(super) oidc_token_file: String,
    pub(super) credentials_uri: String,
    pub(super) cloud_sso_sign_in_url: String,
    pub(super) cloud_sso_account_id: String,
    pub(super) cloud_sso_access_config: String,
    pub(super) access_token: SecretString,
    /// Unix seconds.
    pub(super) cloud_sso_access_token_expire: i64,
    pub(super) process_command: String,
}

#[derive(Deserialize)]
struct ConfigJson {
    #[serde(default)]
    current: String,
    profiles: Vec<Profile>,
}

impl ProfileFile {
    pub(super) fn from_json(file: &str, text: &str) -> Result<Self, String> {
        let config: ConfigJson =
            parse(text).map_err(|reason| format!("{file} cannot be understood: {reason}"))?;
        Ok(Self {
            file: file.to_owned(),
            current: config.current,
            profiles: config.profiles,
        })
    }

    pub(super) fn profile(&self, name: &str) -> Result<&Profile, String> {
        let found = self.profiles.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.profiles.iter().map(|p| p.name.as_str()).collect();
            format!(
                "{} has no profile {name:?}; it has: {}",
                self.file,
                names.join(", ")
            )
        })
    }
}

/// The source that a profile describes; the profile in use where none is named.
pub(super) fn choose(
    file: &ProfileFile,
    name: Option<&str>,
    outside: &Outside,
    sts: &Sts,
) -> Result<Chosen, String> {
    let name = name.unwrap_or(&file.current);
    let profile = file.profile(name)?;
    let reader = Reader { file, outside, sts };
    Ok(Chosen {
        source: reader.source(profile, LONGEST_CHAIN)?,
        region: Some(profile.region_id.clone()).filter(|region| !region.is_empty()),
        warnings: Vec::new(),
    })
}

struct Reader<'a> {
    file: &'a ProfileFile,
    outside: &'a Outside,
    sts: &'a Sts,
}

impl Reader<'_> {
    fn source(&self, profile: &Profile, chain_left: usize) -> Result<Box<dyn Source>, String> {
        let place = format!("profile {:?} of {}", profile.name, self.file.file);
        let refused = |reason: String| format!("{place}: {reason}");
        let lacks = |field: &str| format!("{place}: {field} is empty");
        let required = |field: &str, value: &str| match value {
            "" => Err(lacks(field)),
            value => Ok(value.to_owned()),
        };
        Ok(match profile.mode.as_str() {
            "AK" | "" => Box::new(keys(profile, &place, false)?),
            "StsToken" => Box::new(keys(profile, &place, true)?),
            "RamRoleArn" => self.role(profile, Box::new(keys(profile, &place, false)?), &place)?,
            "EcsRamRole" => Box::new(self.ecs_role(profile).map_err(refused)?),
            "RamRoleArnWithRoleName" => {
                let base = self.ecs_role(profile).map_err(refused)?;
                self.role(profile, Box::new(base), &place)?
            }
            "ChainableRamRoleArn" => {
                let source = required("source_profile", &profile.source)?;
                if chain_left == 0 {
                    return Err(refused("its source profiles never end".to_owned()));
                }
                let source = self.file.profile(&source).map_err(refused)?;
                self.role(profile, self.source(source, chain_left - 1)?, &place)?
            }
            "OIDC" => {
                let file = required("oidc_token_file", &profile.oidc_token_file)?;
                let file = self.outside.path(&file);
                Box::new(OidcRole {
                    provider_arn: required("oidc_provider_arn", &profile.oidc_provider_arn)?,
                    token: Token::File(file, Arc::clone(&self.outside.files)),
                    role: role(profile, &place)?,
                    sts: self.sts_of(profile),
                })
            }
            "CredentialsURI" => {
                self.refuse_external().map_err(refused)?;
                let uri = required("credentials_uri", &profile.credentials_uri)?;
                Box::new(CredentialsUri::new(&uri, self.outside).map_err(refused)?)
            }
            "External" => {
                self.refuse_external().map_err(refused)?;
                let command = required("process_command", &profile.process_command)?;
                Box::new(External::new(place.clone(), &command, self.outside).map_err(refused)?)
            }
            "CloudSSO" => {
                Box::new(CloudSso::new(place.clone(), profile, self.outside).map_err(refused)?)
            }
            "OAuth" => Box::new(CachedKeys::new(
                place.clone(),
                self.file.file.clone(),
                profile,
                self.outside,
            )),
            mode => {
                return Err(refused(format!(
                    "its mode {mode:?} is not supported; these are: {MODES}"
                )));
            }
        })
    }

    fn role(
        &self,
        profile: &Profile,
        base: Box<dyn Source>,
        place: &str,
    ) -> Result<Box<dyn Source>, String> {
        Ok(Box::new(AssumedRole {
            base,
            role: role(profile, place)?,
            sts: self.sts_of(profile),
        }))
    }

    fn sts_of(&self, profile: &Profile) -> Sts {
        self.sts.of_profile(&profile.sts_region, profile.enable_vpc)
    }

    fn ecs_role(&self, profile: &Profile) -> Result<EcsRole, String> {
        let name = Some(profile.ram_role_name.clone()).filter(|name| !name.is_empty());
        EcsRole::new(name, self.outside)
    }

    /// As the command line tool does.
    fn refuse_external(&self) -> Result<(), String> {
        const DISABLED: &str = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS";
        if self.outside.is_on(DISABLED) {
            Err(format!("{DISABLED} forbids its mode"))
        } else {
            Ok(())
        }
    }
}

fn keys(profile: &Profile, place: &str, needs_token: bool) -> Result<StaticKeys, String> {
    let fields = [
        ("access_key_id", profile.access_key_id.as_str(), true),
        (
            "access_key_secret",
            profile.access_key_secret.expose_secret(),
            true,
        ),
        ("sts_token", profile.sts_token.expose_secret(), needs_token),
    ];
    let empty = fields
        .into_iter()
        .find(|(_, value, is_needed)| *is_needed && value.is_empty());
    if let Some((field, ..)) = empty {
        return Err(format!("{place}: {field} is empty"));
    }
    Ok(StaticKeys {
        place: place.to_owned(),
        credentials: credentials(profile),
    })
}

/// The keys that stand in the profile itself.
pub(super) fn credentials(profile: &Profile) -> Credentials {
    Credentials {
        access_key_id: profile.access_key_id.clone(),
        access_key_secret: profile.access_key_secret.clone(),
        security_token: Some(profile.sts_token.clone())
            .filter(|token| !token.expose_secret().is_empty()),
        account_id: Some(profile.cloud_sso_account_id.clone()).filter(|id| !id.is_empty()),
    }
}

fn role(profile: &Profile, place: &str) -> Result<Role, String> {
    let not_empty = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Ok(Role {
        arn: not_empty(&profile.ram_role_arn)
            .ok_or_else(|| format!("{place}: ram_role_arn is empty"))?,
        session_name: not_empty(&profile.ram_session_name)
            .or_else(|| not_empty(&profile.role_session_name))
            .unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds: match profile.expired_seconds {
            0 => SESSION_SECONDS,
            seconds => seconds,
        },
        policy: not_empty(&profile.policy),
        external_id: not_empty(&profile.external_id),
    })
}
