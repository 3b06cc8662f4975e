//! The words in which sources say whether they are configured: what the provider block says, and what a source finds.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::sts::{Role, Sts};
use super::{Region, Source};
use crate::environment::InvalidInput;

/// What the provider block says of credentials; an empty text counts as not given. What is not given may stand in the
/// environment.
#[derive(Default)]
pub struct CredentialsConfig {
    /// `access_key`
    pub access_key: Option<String>,
    /// `secret_key`
    pub secret_key: Option<SecretString>,
    /// `security_token`
    pub security_token: Option<SecretString>,
    /// `profile`
    pub profile: Option<String>,
    /// `shared_credentials_file`
    pub shared_credentials_file: Option<String>,
    /// `ecs_role_name`
    pub ecs_role_name: Option<String>,
    /// `credentials_uri`
    pub credentials_uri: Option<String>,
    /// `account_id`, which the credentials in use must belong to where they tell
    pub account_id: Option<String>,
    /// `source_ip`, sent with `AssumeRole`
    pub source_ip: Option<String>,
    /// `secure_transport`, or its older name `security_transport`, sent with `AssumeRole`
    pub secure_transport: Option<String>,
    /// `assume_role`
    pub assume_role: Option<AssumeRole>,
    /// `assume_role_with_oidc`
    pub assume_role_with_oidc: Option<AssumeRoleWithOidc>,
    /// `endpoints.sts`, with what the environment says of it: scheme, host and port.
    pub sts_endpoint: Option<Url>,
}

/// The source that is used.
pub struct SelectedSource {
    /// Gives the keys.
    pub source: Box<dyn Source>,
    /// The region that its profile names.
    pub region: Option<Region>,
    /// What users should know of it.
    pub warnings: Vec<String>,
    /// Where roles are assumed.
    pub(super) sts: Sts,
}

/// A source that can give keys, before roles are put on top.
pub(super) struct Candidate {
    pub(super) source: Box<dyn Source>,
    /// The role of a profile of mode `RamRoleArn`, which is assumed with these keys unless a block replaces it.
    pub(super) role: Option<ProfileRole>,
    pub(super) region: Option<Region>,
    pub(super) warnings: Vec<String>,
}

/// A role that a profile names, and the STS endpoint that it asks for.
pub(super) struct ProfileRole {
    pub(super) role: Role,
    pub(super) sts: Sts,
}

impl fmt::Debug for SelectedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SelectedSource")
            .field(&self.source.name())
            .finish()
    }
}

/// What a source answers when it is asked, unless it is broken.
pub(super) enum Discovery {
    /// Nothing tells it to work; says what would.
    NotConfigured(String),
    /// It can give keys.
    Found(Box<Candidate>),
}

/// Why a source that is configured cannot work.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SourceConfigError {
    pub(super) reason: String,
    /// The argument of the provider block that it hangs on.
    pub(super) argument: Option<&'static str>,
}

impl SourceConfigError {
    pub(super) fn new(argument: &'static str, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            argument: Some(argument),
        }
    }
}

impl From<InvalidInput> for SourceConfigError {
    fn from(input: InvalidInput) -> Self {
        Self {
            reason: input.to_string(),
            argument: None,
        }
    }
}

impl Discovery {
    pub(super) fn found(source: impl Source + 'static) -> Self {
        Self::Found(Box::new(Candidate {
            source: Box::new(source),
            role: None,
            region: None,
            warnings: Vec::new(),
        }))
    }
}

/// The block `assume_role`; an empty text counts as not given.
#[derive(Default, Clone, Debug)]
pub struct AssumeRole {
    /// `role_arn`
    pub role_arn: Option<String>,
    /// `session_name`
    pub session_name: Option<String>,
    /// `policy`
    pub policy: Option<String>,
    /// `session_expiration`, in seconds
    pub session_expiration: Option<i64>,
    /// `external_id`
    pub external_id: Option<String>,
}

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
