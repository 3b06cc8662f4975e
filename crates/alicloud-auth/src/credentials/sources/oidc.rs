//! A role that is assumed with a token of an identity provider (OIDC), such as that of a Kubernetes service account.

use secrecy::{ExposeSecret as _, SecretString};

use super::assume_role::{SESSION_NAME, session_seconds, with_conditions};
use super::{argument_or_variable, non_empty, non_empty_secret};
use crate::credentials::discovery::{
    AssumeRoleWithOidc, CredentialsConfig, Discovery, SourceConfigError,
};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::sts::{Role, Sts};
use crate::credentials::system::SystemContext;

pub(super) const PROVIDER: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
pub(super) const ROLE: &str = "ALIBABA_CLOUD_ROLE_ARN";
const TOKEN: &str = "ALIBABA_CLOUD_OIDC_TOKEN";
pub(super) const TOKEN_FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
const SESSION: &str = "ALIBABA_CLOUD_ROLE_SESSION_NAME";

pub(super) struct OidcRole {
    pub(super) provider_arn: String,
    pub(super) token: Token,
    pub(super) role: Role,
    pub(super) sts: Sts,
}

/// The token of the identity provider.
pub(super) enum Token {
    Literal(SecretString),
    /// Re-read each time, because tokens are rotated in place.
    File {
        /// As the user wrote it.
        path: String,
        system: Box<SystemContext>,
    },
}

impl Token {
    async fn read(&self) -> Result<SecretString, SourceError> {
        match self {
            Self::Literal(token) => Ok(token.clone()),
            Self::File { path, system } => {
                let failed = |reason: String| {
                    SourceError::permanent(format!("OIDC token file {path}: {reason}"))
                };
                let resolved = system.path(path).map_err(|e| failed(e.to_string()))?;
                let read = system.files.read(&resolved).await;
                let text = read.map_err(|e| failed(e.to_string()))?.text;
                match text.expose_secret().trim() {
                    "" => Err(failed("it is empty".to_owned())),
                    token => Ok(token.into()),
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl CredentialsSource for OidcRole {
    fn name(&self) -> String {
        format!("role {} assumed with an OIDC token", self.role.arn)
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let token = self.token.read().await?;
        self.sts
            .assume_role_with_oidc(&self.provider_arn, &token, &self.role)
            .await
    }
}

/// Discovers the block, or without one the variables that are specific to OIDC.
pub(in crate::credentials) async fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let variable = |name| system.environment.text(&[name]);
    let is_configured = config.assume_role_with_oidc.is_some()
        || variable(PROVIDER)?.is_some()
        || variable(TOKEN)?.is_some()
        || variable(TOKEN_FILE)?.is_some();
    if !is_configured {
        return Ok(Discovery::NotConfigured(format!(
            "there is no block assume_role_with_oidc, and none of {PROVIDER}, {TOKEN}, {TOKEN_FILE} is set"
        )));
    }
    let block = config.assume_role_with_oidc.clone().unwrap_or_default();
    let missing = |argument: &str, variable: &str| {
        let reason = format!("neither argument {argument} nor {variable} is set");
        SourceConfigError::new("assume_role_with_oidc", reason)
    };
    let required = |argument: Option<&String>, name: &str, variable| {
        argument_or_variable(argument, &[variable], system)?.ok_or_else(|| missing(name, variable))
    };
    let provider_arn = required(
        block.oidc_provider_arn.as_ref(),
        "oidc_provider_arn",
        PROVIDER,
    )?;
    let arn = required(block.role_arn.as_ref(), "role_arn", ROLE)?;
    let token = token(&block, system)?
        .ok_or_else(|| missing("oidc_token or oidc_token_file", TOKEN_FILE))?;
    token
        .read()
        .await
        .map_err(|error| SourceConfigError::new("assume_role_with_oidc", error.reason))?;
    let session_name = argument_or_variable(block.role_session_name.as_ref(), &[SESSION], system)?;
    let seconds = "assume_role_with_oidc.session_expiration";
    let role = Role {
        arn,
        session_name: session_name.unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds: session_seconds(block.session_expiration, seconds)?,
        policy: non_empty(block.policy.as_ref()),
        ..Role::default()
    };
    Ok(Discovery::found(OidcRole {
        provider_arn,
        token,
        role: with_conditions(role, config, system)?,
        sts: sts.clone(),
    }))
}

/// Returns the token of the block, or else that of the variables; in each, a literal token before a file.
fn token(
    block: &AssumeRoleWithOidc,
    system: &SystemContext,
) -> Result<Option<Token>, SourceConfigError> {
    let file = |path: String| Token::File {
        path,
        system: Box::new(system.clone()),
    };
    if let Some(token) = non_empty_secret(block.oidc_token.as_ref()) {
        return Ok(Some(Token::Literal(token)));
    }
    if let Some(path) = non_empty(block.oidc_token_file.as_ref()) {
        return Ok(Some(file(path)));
    }
    if let Some(token) = system.environment.text(&[TOKEN])? {
        return Ok(Some(Token::Literal(token.into())));
    }
    Ok(system.environment.text(&[TOKEN_FILE])?.map(file))
}
