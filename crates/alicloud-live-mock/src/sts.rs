//! Operations of the Security Token Service (version 2015-04-01): two that assume a role, and `GetCallerIdentity`.
//!
//! Parameters, their rules, required signatures and the shapes of responses are those of Alibaba Cloud. The mock has one role
//! and one identity token (see [`super::MockSettings`]) and an error code of its own for a wrong identity token.

use serde_json::{Value, json};

use super::actions;
use super::errors::ApiError;
use super::parameters::Parameters;
use super::settings::MockSettings;

/// The API version, which distinguishes these calls from those of the product `live`.
pub(super) const VERSION: &str = "2015-04-01";

/// A validated call of `AssumeRole` or `AssumeRoleWithOIDC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AssumeRoleRequest {
    /// Part of the ID of the temporary key.
    pub(super) issuer: &'static str,
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) seconds: i64,
}

/// Reports whether the call is unsigned, because a token of an identity provider authenticates the caller.
pub(super) fn is_unsigned(parameters: &Parameters) -> bool {
    parameters.get("Version") == Some(VERSION)
        && parameters.get("Action") == Some(actions::ASSUME_ROLE_WITH_OIDC)
}

impl AssumeRoleRequest {
    /// Parses a call of either operation.
    pub(super) fn parse(
        parameters: &Parameters,
        settings: &MockSettings,
    ) -> Result<Self, ApiError> {
        let by_oidc = is_unsigned(parameters);
        if by_oidc {
            check_oidc_token(parameters, settings)?;
        }
        let role_arn = parameters.required("RoleArn")?;
        let session_name = parameters.required("RoleSessionName")?;
        let seconds = match parameters.get("DurationSeconds") {
            Some(text) => text.parse().unwrap_or_default(),
            None => 3_600,
        };
        if !(role_arn.starts_with("acs:ram::") && role_arn.contains(":role/")) {
            return Err(malformed("RoleArn"));
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".@-_".contains(c);
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(is_allowed) {
            return Err(malformed("RoleSessionName"));
        }
        if !(900..=43_200).contains(&seconds) {
            return Err(malformed("DurationSeconds"));
        }
        if role_arn != settings.role_arn {
            let message = "The specified Role does not exist.";
            return Err(ApiError::new(404, "EntityNotExist.Role", message));
        }
        Ok(Self {
            issuer: if by_oidc { "oidc" } else { "assume-role" },
            role_arn,
            session_name,
            seconds,
        })
    }
}

/// Returns the response to `GetCallerIdentity`: an assumed role for the session of a temporary key, or else a RAM user named
/// after the access key. The account ID is that of the role's ARN.
pub(super) fn caller_identity(
    session: Option<&str>,
    access_key_id: &str,
    settings: &MockSettings,
) -> Value {
    let account = settings.role_arn.split(':').nth(3).unwrap_or_default();
    let role = settings.role_name();
    match session {
        Some(session) => json!({
            "IdentityType": "AssumedRoleUser",
            "AccountId": account,
            "PrincipalId": format!("{ROLE_ID}:{session}"),
            "Arn": format!("acs:ram::{account}:assumed-role/{role}/{session}"),
            "RoleId": ROLE_ID,
        }),
        None => json!({
            "IdentityType": "RAMUser",
            "AccountId": account,
            "PrincipalId": USER_ID,
            "Arn": format!("acs:ram::{account}:user/{access_key_id}"),
            "UserId": USER_ID,
        }),
    }
}

/// The ID of the role.
pub(super) const ROLE_ID: &str = "300000000000000000";
/// The ID of every user.
const USER_ID: &str = "200000000000000000";

fn check_oidc_token(parameters: &Parameters, settings: &MockSettings) -> Result<(), ApiError> {
    let provider = parameters.required("OIDCProviderArn")?;
    let token = parameters.required("OIDCToken")?;
    if !provider.contains(":oidc-provider/") {
        return Err(malformed("OIDCProviderArn"));
    }
    if token != settings.oidc_token {
        let (code, message) = (
            "AuthenticationFail.OIDCToken.Invalid",
            "The OIDC token is not valid.",
        );
        return Err(ApiError::new(400, code, message));
    }
    Ok(())
}

fn malformed(name: &str) -> ApiError {
    let message = format!("The parameter {name} is wrongly formed.");
    ApiError::new(400, &format!("InvalidParameter.{name}"), message)
}
