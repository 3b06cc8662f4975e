//! A role that is taken on with a token of an identity provider (OIDC), such as a Kubernetes service account's.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::assume_role::{SESSION_NAME, SESSION_SECONDS};
use super::given;
use crate::credentials::chain::{Lookup, Settings};
use crate::credentials::outside::{Files, Outside};
use crate::credentials::sts::{Role, Sts};
use crate::credentials::{Issued, Source, SourceError};

const PROVIDER: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
const ROLE: &str = "ALIBABA_CLOUD_ROLE_ARN";
const TOKEN: &str = "ALIBABA_CLOUD_OIDC_TOKEN";
const TOKEN_FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
const SESSION: &str = "ALIBABA_CLOUD_ROLE_SESSION_NAME";

/// The block `assume_role_with_oidc`; an empty text counts as not given.
#[derive(Default, Clone, Debug)]
pub struct AssumeRoleWithOidc {
    /// `oidc_provider_arn`
    pub oidc_provider_arn: Option<String>,
    /// `role_arn`
    pub role_arn: Option<String>,
    /// `oidc_token`
    pub oidc_token: Option<SecretString>,
    /// `oidc_token_file`
    pub oidc_token_file: Option<String>,
    /// `role_session_name`
    pub role_session_name: Option<String>,
    /// `policy`
    pub policy: Option<String>,
    /// `session_expiration`, in seconds
    pub session_expiration: Option<i64>,
}

pub(super) struct OidcRole {
    pub(super) provider_arn: String,
    pub(super) token: Token,
    pub(super) role: Role,
    pub(super) sts: Sts,
}

/// Where the token is. A file is read anew each time, because tokens are rotated in place.
pub(super) enum Token {
    Given(SecretString),
    File(PathBuf, Arc<dyn Files>),
}

impl Token {
    fn read(&self) -> Result<SecretString, SourceError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path, files) => {
                let failed = |reason: String| {
                    SourceError::lasting(format!("OIDC token file {}: {reason}", path.display()))
                };
                let text = files
                    .read(path)
                    .map_err(|error| failed(error.to_string()))?;
                match text.expose_secret().trim() {
                    "" => Err(failed("it is empty".to_owned())),
                    token => Ok(token.into()),
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl Source for OidcRole {
    fn name(&self) -> String {
        format!("role {} taken on with an OIDC token", self.role.arn)
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        let token = self.token.read()?;
        self.sts
            .assume_role_with_oidc(&self.provider_arn, &token, &self.role)
            .await
    }
}

/// Configured by the block, or without one by both variables that are OIDC's own.
pub(in crate::credentials) fn look(settings: &Settings, outside: &Outside, sts: &Sts) -> Lookup {
    let variable = |name| outside.environment.first(&[name]);
    let is_configured = settings.assume_role_with_oidc.is_some()
        || [PROVIDER, TOKEN, TOKEN_FILE]
            .into_iter()
            .any(|name| variable(name).is_some());
    if !is_configured {
        return Lookup::NotConfigured(format!(
            "there is no block assume_role_with_oidc, and none of {PROVIDER}, {TOKEN}, {TOKEN_FILE} is set"
        ));
    }
    let block = settings.assume_role_with_oidc.clone().unwrap_or_default();
    let lacks = |argument: &str, variable: &str| {
        let reason = format!("neither argument {argument} nor {variable} is set");
        Lookup::broken("assume_role_with_oidc", reason)
    };
    let Some(provider_arn) = given(block.oidc_provider_arn.as_ref()).or_else(|| variable(PROVIDER))
    else {
        return lacks("oidc_provider_arn", PROVIDER);
    };
    let Some(arn) = given(block.role_arn.as_ref()).or_else(|| variable(ROLE)) else {
        return lacks("role_arn", ROLE);
    };
    let file = |path: String| Token::File(outside.path(&path), Arc::clone(&outside.files));
    let token = block
        .oidc_token
        .filter(|token| !token.expose_secret().is_empty())
        .map(Token::Given)
        .or_else(|| given(block.oidc_token_file.as_ref()).map(file))
        .or_else(|| variable(TOKEN).map(|token| Token::Given(token.into())))
        .or_else(|| variable(TOKEN_FILE).map(file));
    let Some(token) = token else {
        return lacks("oidc_token or oidc_token_file", TOKEN_FILE);
    };
    if let Err(error) = token.read() {
        return Lookup::broken("assume_role_with_oidc", error.reason);
    }
    Lookup::found(OidcRole {
        provider_arn,
        token,
        role: Role {
            arn,
            session_name: given(block.role_session_name.as_ref())
                .or_else(|| variable(SESSION))
                .unwrap_or_else(|| SESSION_NAME.to_owned()),
            session_seconds: block
                .session_expiration
                .filter(|seconds| *seconds != 0)
                .unwrap_or(SESSION_SECONDS),
            policy: given(block.policy.as_ref()),
            external_id: None,
        },
        sts: sts.clone(),
    })
}
