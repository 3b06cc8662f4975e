//! Three calls of the Security Token Service (version 2015-04-01): two that give keys of a role, and one that says who calls.
//!
//! Like the cloud: parameters and their rules, who must sign, the shapes of the answers. Ours: there is
//! one role and one identity token, see [`super::MockSettings`]; the code for a wrong identity token.

use serde::Serialize;

use super::actions;
use super::errors::ApiError;
use super::keys::TemporaryKey;
use super::parameters::Parameters;
use super::settings::MockSettings;

/// The version by which these calls are told from those of the product `live`.
pub(super) const VERSION: &str = "2015-04-01";

/// A checked call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AssumeRoleRequest {
    /// Names the door in the ids of the keys.
    pub(super) door: &'static str,
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) seconds: i64,
}

/// Whether the call is one that nobody signs, because a token of an identity provider proves who calls.
pub(super) fn is_unsigned(parameters: &Parameters) -> bool {
    parameters.get("Version") == Some(VERSION)
        && parameters.get("Action") == Some(actions::ASSUME_ROLE_WITH_OIDC)
}

impl AssumeRoleRequest {
    /// Reads a call of either operation.
    pub(super) fn parse(
        parameters: &Parameters,
        settings: &MockSettings,
    ) -> Result<Self, ApiError> {
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

/// Who calls, in the API's field names. The number of the account is that of the role's ARN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CallerIdentity {
    identity_type: &'static str,
    account_id: String,
    principal_id: String,
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<&'static str>,
}

impl CallerIdentity {
    /// The holder of a temporary key, or else a RAM user: one for each access key.
    pub(super) fn of(
        key: Option<&TemporaryKey>,
        access_key_id: &str,
        settings: &MockSettings,
    ) -> Self {
        let account = settings.role_arn.split(':').nth(3).unwrap_or_default();
        match key {
            Some(key) => {
                let (role, session) = (settings.role_name(), &key.session);
                Self {
                    identity_type: "AssumedRoleUser",
                    account_id: account.to_owned(),
                    principal_id: format!("{ROLE_ID}:{session}"),
                    arn: format!("acs:ram::{account}:assumed-role/{role}/{session}"),
                    user_id: None,
                    role_id: Some(ROLE_ID),
                }
            }
            None => Self {
                identity_type: "RAMUser",
                account_id: account.to_owned(),
                principal_id: USER_ID.to_owned(),
                arn: format!("acs:ram::{account}:user/{access_key_id}"),
                user_id: Some(USER_ID),
                role_id: None,
            },
        }
    }
}

/// The IDs of the one role and of the one user.
pub(super) const ROLE_ID: &str = "300000000000000000";
const USER_ID: &str = "200000000000000000";

fn check_identity(parameters: &Parameters, settings: &MockSettings) -> Result<(), ApiError> {
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

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn the_holder_of_a_temporary_key_is_an_assumed_role() {
        let key = TemporaryKey {
            id: String::new(),
            secret: String::new(),
            token: String::new(),
            session: "alice".to_owned(),
            expires: OffsetDateTime::UNIX_EPOCH,
        };
        let identity = CallerIdentity::of(Some(&key), "", &MockSettings::default());
        let expected = serde_json::json!({
            "IdentityType": "AssumedRoleUser",
            "AccountId": "1234567890123456",
            "PrincipalId": "300000000000000000:alice",
            "Arn": "acs:ram::1234567890123456:assumed-role/mock-role/alice",
            "RoleId": "300000000000000000",
        });
        assert_eq!(serde_json::json!(identity), expected);
    }
}
