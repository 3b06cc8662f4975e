//! The two calls of the Security Token Service (version 2015-04-01) that give keys of a role.
//!
//! Like the cloud: parameters and their rules, who must sign, the shapes of the answers (fact sheet §6.1). Ours: there is
//! one role and one identity token, see [`super::Settings`]; the code for a wrong identity token.

use super::errors::ApiError;
use super::parameters::Parameters;
use super::settings::Settings;

/// The version by which these calls are told from those of the product `live`.
pub(super) const VERSION: &str = "2015-04-01";
pub(super) const ASSUME_ROLE: &str = "AssumeRole";
const ASSUME_ROLE_WITH_OIDC: &str = "AssumeRoleWithOIDC";
/// The names of both, as `Action` has them.
pub(super) const ACTIONS: [&str; 2] = [ASSUME_ROLE, ASSUME_ROLE_WITH_OIDC];

/// A checked call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleRequest {
    /// Names the door in the ids of the keys.
    pub(super) door: &'static str,
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) seconds: i64,
}

/// Whether the call is one that nobody signs, because a token of an identity provider proves who calls.
pub(super) fn is_unsigned(parameters: &Parameters) -> bool {
    parameters.get("Version") == Some(VERSION)
        && parameters.get("Action") == Some(ASSUME_ROLE_WITH_OIDC)
}

impl RoleRequest {
    /// Reads a call of either operation.
    pub(super) fn parse(parameters: &Parameters, settings: &Settings) -> Result<Self, ApiError> {
        let by_oidc = is_unsigned(parameters);
        if by_oidc {
            check_identity(parameters, settings)?;
        }
        let role_arn = parameters.required("RoleArn")?;
        let session_name = parameters.required("RoleSessionName")?;
        let seconds = match parameters.get("DurationSeconds") {
            Some(text) => text.parse().unwrap_or_default(),
            None => 3_600,
        };
        let invalid = |name: &str| {
            let message = format!("The parameter {name} is wrongly formed.");
            Err(ApiError::new(
                400,
                &format!("InvalidParameter.{name}"),
                message,
            ))
        };
        if !(role_arn.starts_with("acs:ram::") && role_arn.contains(":role/")) {
            return invalid("RoleArn");
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".@-_".contains(c);
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(is_allowed) {
            return invalid("RoleSessionName");
        }
        if !(900..=43_200).contains(&seconds) {
            return invalid("DurationSeconds");
        }
        if role_arn != settings.role_arn {
            return Err(ApiError::new(
                404,
                "EntityNotExist.Role",
                "The specified Role does not exist.",
            ));
        }
        Ok(Self {
            door: if by_oidc { "oidc" } else { "assume-role" },
            role_arn,
            session_name,
            seconds,
        })
    }
}

fn check_identity(parameters: &Parameters, settings: &Settings) -> Result<(), ApiError> {
    let provider = parameters.required("OIDCProviderArn")?;
    let token = parameters.required("OIDCToken")?;
    if !provider.contains(":oidc-provider/") {
        let message = "The parameter OIDCProviderArn is wrongly formed.";
        return Err(ApiError::new(
            400,
            "InvalidParameter.OIDCProviderArn",
            message,
        ));
    }
    if token != settings.oidc_token {
        let message = "The OIDC token is not valid.";
        return Err(ApiError::new(
            400,
            "AuthenticationFail.OIDCToken.Invalid",
            message,
        ));
    }
    Ok(())
}
