//! A role that is taken on with the keys of another source.

use super::{given, given_or_variable};
use crate::credentials::discovery::{
    AssumeRole, Candidate, CredentialsConfig, ProfileRole, SelectedSource, SourceConfigError,
};
use crate::credentials::sts::{Role, Sts};
use crate::credentials::system::SystemContext;
use crate::credentials::{LoadedCredentials, Source, SourceError};
use crate::environment::InvalidInput;

const ROLE_VARIABLES: &[&str] = &["ALICLOUD_ASSUME_ROLE_ARN", "ALIBABA_CLOUD_ROLE_ARN"];
const SESSION_VARIABLES: &[&str] = &[
    "ALICLOUD_ASSUME_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
];
const EXPIRATION_VARIABLE: &str = "ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION";
pub(super) const SESSION_NAME: &str = "terraform";
const SESSION_SECONDS: i64 = 3_600;
/// What roles allow their sessions.
const VALID_SESSION_SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
const SOURCE_IP_VARIABLES: &[&str] = &["ALICLOUD_SOURCE_IP", "ALIBABA_CLOUD_SOURCE_IP"];
const SECURE_TRANSPORT_VARIABLES: &[&str] = &[
    "ALICLOUD_SECURE_TRANSPORT",
    "ALIBABA_CLOUD_SECURE_TRANSPORT",
    "ALICLOUD_SECURITY_TRANSPORT",
    "ALIBABA_CLOUD_SECURITY_TRANSPORT",
];

pub(super) struct AssumedRole {
    pub(super) base: Box<dyn Source>,
    pub(super) role: Role,
    pub(super) sts: Sts,
}

#[async_trait::async_trait]
impl Source for AssumedRole {
    fn name(&self) -> String {
        format!("role {} taken on with {}", self.role.arn, self.base.name())
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let keys = self.base.load().await?;
        self.sts.assume_role(&keys.credentials, &self.role).await
    }
}

/// Puts roles on top of what was chosen: that of the block, or else that of a profile of mode `RamRoleArn`. As in the
/// official provider, the block replaces the profile's role and takes over what it does not say itself; a block that
/// names no role, neither itself nor by a variable, adds none.
pub(in crate::credentials) fn apply_assume_role(
    candidate: Candidate,
    settings: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<SelectedSource, SourceConfigError> {
    let Candidate {
        source,
        role: of_profile,
        region,
        warnings,
    } = candidate;
    let of_block = match &settings.assume_role {
        None => None,
        Some(block) => role_of_block(block, of_profile.as_ref(), system)?,
    };
    let (role, sts) = match (of_block, of_profile) {
        (Some(role), Some(profile)) => (Some(role), profile.sts),
        (Some(role), None) => (Some(role), sts.clone()),
        (None, Some(profile)) => (Some(profile.role), profile.sts),
        (None, None) => (None, sts.clone()),
    };
    let source = match role {
        None => source,
        Some(role) => Box::new(AssumedRole {
            base: source,
            role: with_conditions(role, settings, system)?,
            sts: sts.clone(),
        }),
    };
    Ok(SelectedSource {
        source,
        region,
        warnings,
        sts,
    })
}

fn role_of_block(
    block: &AssumeRole,
    of_profile: Option<&ProfileRole>,
    system: &SystemContext,
) -> Result<Option<Role>, SourceConfigError> {
    let profile = of_profile.map(|profile| &profile.role);
    let arn = given_or_variable(block.role_arn.as_ref(), ROLE_VARIABLES, system)?;
    let Some(arn) = arn.or_else(|| Some(profile?.arn.clone())) else {
        return Ok(None);
    };
    let session_name = given_or_variable(block.session_name.as_ref(), SESSION_VARIABLES, system)?;
    let seconds = match block.session_expiration.filter(|seconds| *seconds != 0) {
        Some(seconds) => session_seconds(Some(seconds), "assume_role.session_expiration")?,
        None => match system.environment.text(&[EXPIRATION_VARIABLE])? {
            Some(text) => {
                let problem = "is not a number of seconds";
                let seconds = text.parse();
                let seconds =
                    seconds.map_err(|_| InvalidInput::new(EXPIRATION_VARIABLE, problem))?;
                session_seconds(Some(seconds), EXPIRATION_VARIABLE)?
            }
            None => profile.map_or(SESSION_SECONDS, |role| role.session_seconds),
        },
    };
    Ok(Some(Role {
        arn,
        session_name: session_name
            .or_else(|| Some(profile?.session_name.clone()))
            .unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds: seconds,
        policy: given(block.policy.as_ref()),
        external_id: given(block.external_id.as_ref()),
        source_ip: None,
        secure_transport: None,
    }))
}

/// What the trust policy of the role may ask for.
pub(super) fn with_conditions(
    role: Role,
    settings: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Role, SourceConfigError> {
    let secure_transport = given_or_variable(
        settings.secure_transport.as_ref(),
        SECURE_TRANSPORT_VARIABLES,
        system,
    )?;
    Ok(Role {
        source_ip: given_or_variable(settings.source_ip.as_ref(), SOURCE_IP_VARIABLES, system)?,
        secure_transport,
        ..role
    })
}

/// How long a session lasts; the default for nothing and for zero. An error for what no role allows.
pub(in crate::credentials) fn session_seconds(
    seconds: Option<i64>,
    origin: &str,
) -> Result<i64, InvalidInput> {
    match seconds {
        None | Some(0) => Ok(SESSION_SECONDS),
        Some(seconds) if VALID_SESSION_SECONDS.contains(&seconds) => Ok(seconds),
        Some(_) => Err(InvalidInput::new(
            origin,
            "is not between 900 and 43200 seconds",
        )),
    }
}
