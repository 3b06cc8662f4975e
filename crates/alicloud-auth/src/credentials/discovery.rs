use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::region::Region;
use super::source::CredentialsSource;
use super::sts::{Role, Sts};
use crate::environment::InvalidInput;

/// The arguments of the provider block that concern credentials; an empty string counts as not set. Environment
/// variables replace arguments that are not set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
    /// `account_id`: the account of the credentials. Other credentials are an error, if their account is known.
    pub account_id: Option<String>,
    /// `source_ip`, sent with `AssumeRole`
    pub source_ip: Option<String>,
    /// `secure_transport`, or its older name `security_transport`, sent with `AssumeRole`
    pub secure_transport: Option<String>,
    /// `assume_role`
    pub assume_role: Option<AssumeRole>,
    /// `assume_role_with_oidc`
    pub assume_role_with_oidc: Option<AssumeRoleWithOidc>,
    /// `endpoints.sts` or its variables: scheme, host and port
    #[serde(skip)]
    pub sts_endpoint: Option<Url>,
}

/// The source that is used.
pub struct SelectedSource {
    /// The source.
    pub source: Box<dyn CredentialsSource>,
    /// The region of its profile.
    pub region: Option<Region>,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
    pub(super) sts: Sts,
}

/// What a user should know of a source that can be used, in sentences.
#[derive(Debug, PartialEq, Eq)]
pub enum Warning {
    /// Other users of the machine can read the file that holds its credentials.
    ExposedFile(String),
    /// A profile that is configured beside it does not exist: its region, role and STS settings do not apply.
    MissingProfile(String),
}

/// A usable source, before roles are applied.
pub(super) struct Candidate {
    pub(super) source: Box<dyn CredentialsSource>,
    /// The role of a profile of mode `RamRoleArn`, which these credentials assume unless a block replaces it.
    pub(super) role: Option<Role>,
    /// The STS client with the settings of the profile, for every call with these credentials.
    pub(super) sts: Option<Sts>,
    pub(super) region: Option<Region>,
    pub(super) warnings: Vec<Warning>,
}

/// What a source finds in arguments, environment and files, unless its configuration is invalid.
pub(super) enum Discovery {
    /// Nothing configures the source; says what would.
    NotConfigured(String),
    /// The source can be used.
    Found(Box<Candidate>),
}

/// Why a configured source cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SourceConfigError {
    pub(super) reason: String,
    /// The argument of the provider block that is at fault.
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
            reason: input.into(),
            argument: None,
        }
    }
}

impl Discovery {
    pub(super) fn not_configured(argument: &str, variables: &[&str]) -> Self {
        let variables = variables.join(", ");
        Self::NotConfigured(format!(
            "neither argument {argument} nor one of {variables} is set"
        ))
    }

    pub(super) fn found(source: impl CredentialsSource + 'static) -> Self {
        Self::Found(Box::new(Candidate {
            source: Box::new(source),
            role: None,
            sts: None,
            region: None,
            warnings: Vec::new(),
        }))
    }
}

/// The block `assume_role`; an empty string counts as not set.
#[derive(Default, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// The block `assume_role_with_oidc`; an empty string counts as not set.
#[derive(Default, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
