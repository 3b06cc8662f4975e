//! Profiles of the command line tool (`aliyun configure`), by their modes.

use std::sync::Arc;

use super::assume_role::{AssumedRole, SESSION_NAME, session_seconds};
use super::cloud_sso::CloudSso;
use super::credentials_uri::CredentialsUri;
use super::ecs_role::EcsRole;
use super::external::External;
use super::oauth::OAuth;
use super::oidc::{OidcRole, Token};
use super::profile_file::{Profile, ProfileFile};
use super::static_keys::StaticKeys;
use crate::credentials::discovery::{Candidate, ProfileRole};
use crate::credentials::sts::{Role, Sts};
use crate::credentials::system::SystemContext;
use crate::credentials::{Credentials, Region, Source};

const MODES: &str = "AK, StsToken, RamRoleArn, EcsRamRole, RamRoleArnWithRoleName, ChainableRamRoleArn, OIDC, \
                     CredentialsURI, CloudSSO, OAuth, External";
/// Profiles that name each other as their source.
const MAX_CHAIN: usize = 8;

/// The source that a profile describes; the profile in use where none is named.
pub(super) fn select_source(
    file: &ProfileFile,
    name: Option<&str>,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Candidate, String> {
    let name = name.unwrap_or(&file.current);
    let profile = file.profile(name)?;
    let place = format!("profile {:?} of {}", &*profile.name, file.file);
    let reader = Reader { file, system, sts };
    // The role of this mode is one that an `assume_role` block replaces; those of others are part of the source.
    let (source, role) = if &*profile.mode == "RamRoleArn" {
        let keys: Box<dyn Source> = Box::new(keys(profile, &place, false)?);
        (keys, Some(pending_role(profile, &place, sts)?))
    } else {
        (reader.source(profile, MAX_CHAIN)?, None)
    };
    Ok(Candidate {
        source,
        role,
        region: region(profile, &place)?,
        warnings: Vec::new(),
    })
}

/// The region of a profile.
pub(super) fn region(profile: &Profile, place: &str) -> Result<Option<Region>, String> {
    Region::read(&profile.region_id, format!("{place}: region_id"))
        .map_err(|input| input.to_string())
}

/// The role of a profile of mode `RamRoleArn`.
pub(super) fn pending_role(
    profile: &Profile,
    place: &str,
    sts: &Sts,
) -> Result<ProfileRole, String> {
    Ok(ProfileRole {
        role: role(profile, place)?,
        sts: sts
            .of_profile(profile, place)
            .map_err(|input| input.to_string())?,
    })
}

struct Reader<'a> {
    file: &'a ProfileFile,
    system: &'a SystemContext,
    sts: &'a Sts,
}

impl Reader<'_> {
    fn source(&self, profile: &Profile, chain_left: usize) -> Result<Box<dyn Source>, String> {
        let place = format!("profile {:?} of {}", &*profile.name, self.file.file);
        let refused = |reason: String| format!("{place}: {reason}");
        let lacks = |field: &str| format!("{place}: {field} is empty");
        let required = |field: &str, value: &str| match value {
            "" => Err(lacks(field)),
            value => Ok(value.to_owned()),
        };
        Ok(match &*profile.mode {
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
                let file = self.system.path(&file);
                Box::new(OidcRole {
                    provider_arn: required("oidc_provider_arn", &profile.oidc_provider_arn)?,
                    token: Token::File(file, Arc::clone(&self.system.files)),
                    role: role(profile, &place)?,
                    sts: self.sts_of(profile, &place)?,
                })
            }
            "CredentialsURI" => {
                self.refuse_external().map_err(refused)?;
                let uri = required("credentials_uri", &profile.credentials_uri)?;
                Box::new(CredentialsUri::new(&uri, self.system).map_err(refused)?)
            }
            "External" => {
                self.refuse_external().map_err(refused)?;
                let command = required("process_command", &profile.process_command)?;
                Box::new(External::new(place.clone(), &command, self.system).map_err(refused)?)
            }
            "CloudSSO" => {
                let file = self.file.file.clone();
                Box::new(CloudSso::new(place.clone(), file, profile, self.system).map_err(refused)?)
            }
            "OAuth" => {
                let file = self.file.file.clone();
                Box::new(OAuth::new(place.clone(), file, profile, self.system).map_err(refused)?)
            }
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
            sts: self.sts_of(profile, place)?,
        }))
    }

    fn sts_of(&self, profile: &Profile, place: &str) -> Result<Sts, String> {
        self.sts
            .of_profile(profile, place)
            .map_err(|input| input.to_string())
    }

    fn ecs_role(&self, profile: &Profile) -> Result<EcsRole, String> {
        EcsRole::new(profile.ram_role_name.given(), self.system).map_err(|broken| broken.reason)
    }

    /// As the command line tool does.
    fn refuse_external(&self) -> Result<(), String> {
        const DISABLED: &str = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS";
        match self.system.environment.is_on(DISABLED) {
            Ok(true) => Err(format!("{DISABLED} forbids its mode")),
            Ok(false) => Ok(()),
            Err(input) => Err(input.to_string()),
        }
    }
}

fn keys(profile: &Profile, place: &str, needs_token: bool) -> Result<StaticKeys, String> {
    let fields = [
        ("access_key_id", profile.access_key_id.is_empty(), true),
        (
            "access_key_secret",
            profile.access_key_secret.is_empty(),
            true,
        ),
        ("sts_token", profile.sts_token.is_empty(), needs_token),
    ];
    let lacking = fields
        .into_iter()
        .find(|(_, is_empty, is_needed)| *is_needed && *is_empty);
    if let Some((field, ..)) = lacking {
        return Err(format!("{place}: {field} is empty"));
    }
    Ok(StaticKeys {
        credentials: credentials(profile).map_err(|problem| format!("{place}: the {problem}"))?,
        place: place.to_owned(),
    })
}

/// The keys that stand in the profile itself. `Err` names the part that no key has.
pub(super) fn credentials(profile: &Profile) -> Result<Credentials, &'static str> {
    let credentials = Credentials::written(
        &profile.access_key_id,
        &profile.access_key_secret.0,
        Some(&profile.sts_token.0),
    )?;
    Ok(Credentials {
        account_id: profile.cloud_sso_account_id.given(),
        ..credentials
    })
}

fn role(profile: &Profile, place: &str) -> Result<Role, String> {
    let seconds = Some(profile.expired_seconds);
    Ok(Role {
        arn: profile
            .ram_role_arn
            .given()
            .ok_or_else(|| format!("{place}: ram_role_arn is empty"))?,
        session_name: profile
            .ram_session_name
            .given()
            .or_else(|| profile.role_session_name.given())
            .unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds: session_seconds(seconds, &format!("{place}: expired_seconds"))
            .map_err(|input| input.to_string())?,
        policy: profile.policy.given(),
        external_id: profile.external_id.given(),
        source_ip: None,
        secure_transport: None,
    })
}
