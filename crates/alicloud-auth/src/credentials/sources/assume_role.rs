//! A role that is assumed with the credentials of another source.

use std::net::IpAddr;

use super::{argument_or_variable, non_empty};
use crate::credentials::discovery::{
    AssumeRole, Candidate, CredentialsConfig, SelectedSource, SourceConfigError,
};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::sts::{Role, Sts};
use crate::credentials::system::SystemContext;
use crate::environment::InvalidInput;

const ROLE_VARIABLES: &[&str] = &["ALICLOUD_ASSUME_ROLE_ARN", "ALIBABA_CLOUD_ROLE_ARN"];
const SESSION_VARIABLES: &[&str] = &[
    "ALICLOUD_ASSUME_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
];
const EXPIRATION_VARIABLE: &str = "ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION";
pub(super) const SESSION_NAME: &str = "terraform";
const SESSION_SECONDS: i64 = 3_600;
/// The durations that RAM allows.
const VALID_SESSION_SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
const SOURCE_IP_VARIABLES: &[&str] = &["ALICLOUD_SOURCE_IP", "ALIBABA_CLOUD_SOURCE_IP"];
const SECURE_TRANSPORT_VARIABLES: &[&str] = &[
    "ALICLOUD_SECURE_TRANSPORT",
    "ALIBABA_CLOUD_SECURE_TRANSPORT",
    "ALICLOUD_SECURITY_TRANSPORT",
    "ALIBABA_CLOUD_SECURITY_TRANSPORT",
];

/// The credentials of a role.
pub(super) struct AssumedRole {
    pub(super) base: Box<dyn CredentialsSource>,
    pub(super) role: Role,
    pub(super) sts: Sts,
}

#[async_trait::async_trait]
impl CredentialsSource for AssumedRole {
    fn name(&self) -> String {
        format!("role {} assumed with {}", self.role.arn, self.base.name())
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let base = self.base.load().await?;
        self.sts.assume_role(&base.credentials, &self.role).await
    }
}

/// Applies the role of the block, or else that of a profile of mode `RamRoleArn`. As in the official provider, the block
/// replaces the profile's role and inherits what it does not set itself; a policy and an external ID, which belong to one
/// role, only together with the ARN. A block without a role, in its argument, a variable or the profile, has no effect.
pub(in crate::credentials) fn apply_assume_role(
    candidate: Candidate,
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<SelectedSource, SourceConfigError> {
    let Candidate {
        source,
        role: profile_role,
        sts: profile_sts,
        region,
        warnings,
    } = candidate;
    let sts = profile_sts.as_ref().unwrap_or(sts);
    let block_role = match &config.assume_role {
        None => None,
        Some(block) => block_role(block, profile_role.as_ref(), system)?,
    };
    let source = match block_role.or(profile_role) {
        None => source,
        Some(role) => Box::new(AssumedRole {
            base: source,
            role: with_conditions(role, config, system)?,
            sts: sts.clone(),
        }),
    };
    Ok(SelectedSource {
        source,
        region,
        warnings,
        sts: sts.clone(),
    })
}

fn block_role(
    block: &AssumeRole,
    profile_role: Option<&Role>,
    system: &SystemContext,
) -> Result<Option<Role>, SourceConfigError> {
    let arn = argument_or_variable(block.role_arn.as_ref(), ROLE_VARIABLES, system)?;
    let inherited = profile_role.filter(|_| arn.is_none());
    let Some(arn) = arn.or_else(|| Some(inherited?.arn.clone())) else {
        return Ok(None);
    };
    let session_name =
        argument_or_variable(block.session_name.as_ref(), SESSION_VARIABLES, system)?;
    let argument = block.session_expiration.filter(|seconds| *seconds != 0);
    let seconds = if argument.is_some() {
        session_seconds(argument, "assume_role.session_expiration")?
    } else if let Some(text) = system.environment.text(&[EXPIRATION_VARIABLE])? {
        let problem = "is not a number of seconds";
        let seconds = text.parse();
        let seconds = seconds.map_err(|_| InvalidInput::new(EXPIRATION_VARIABLE, problem))?;
        session_seconds(Some(seconds), EXPIRATION_VARIABLE)?
    } else {
        profile_role.map_or(SESSION_SECONDS, |role| role.session_seconds)
    };
    Ok(Some(Role {
        arn,
        session_name: session_name
            .or_else(|| Some(profile_role?.session_name.clone()))
            .unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds: seconds,
        policy: non_empty(block.policy.as_ref()).or_else(|| inherited?.policy.clone()),
        external_id: non_empty(block.external_id.as_ref())
            .or_else(|| inherited?.external_id.clone()),
        ..Role::default()
    }))
}

/// Adds what the role's trust policy may require.
pub(super) fn with_conditions(
    role: Role,
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Role, SourceConfigError> {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let is_flag = |text: &str| matches!(text, "true" | "false");
    Ok(Role {
        source_ip: match non_empty(config.source_ip.as_ref()) {
            Some(address) => Some(address),
            None => condition(
                system,
                SOURCE_IP_VARIABLES,
                is_address,
                "is not an IP address",
            )?,
        },
        secure_transport: match non_empty(config.secure_transport.as_ref()) {
            Some(flag) => Some(flag),
            None => condition(
                system,
                SECURE_TRANSPORT_VARIABLES,
                is_flag,
                "is neither true nor false",
            )?,
        },
        ..role
    })
}

/// Returns the first of these variables that is set. An error with this problem if its value is invalid.
fn condition(
    system: &SystemContext,
    variables: &[&'static str],
    is_valid: impl Fn(&str) -> bool,
    problem: &str,
) -> Result<Option<String>, InvalidInput> {
    match system.environment.first(variables)? {
        Some(variable) if !is_valid(&variable.value) => {
            Err(InvalidInput::new(variable.name, problem))
        }
        variable => Ok(variable.map(|variable| variable.value)),
    }
}

/// Returns the duration of a session: by default, and for zero, one hour. An error if no role allows it.
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
