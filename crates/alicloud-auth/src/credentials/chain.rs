use std::fmt;

use super::account::WithAccountId;
use super::discovery::{CredentialsConfig, Discovery, SelectedSource, SourceConfigError};
use super::sources::{
    access_key, assume_role, credentials_uri, ecs_role, non_empty, oidc, profile,
};
use super::sts::Sts;
use super::system::SystemContext;

/// No source returns credentials. `Display` lists every source that was tried, and why it was not used.
#[derive(Debug, PartialEq, Eq)]
pub struct NoCredentials {
    tried: Vec<(&'static str, String)>,
    invalid: Option<(&'static str, SourceConfigError)>,
}

impl NoCredentials {
    /// Returns the argument of the provider block that is at fault, if it is one.
    pub fn argument(&self) -> Option<&'static str> {
        self.invalid.as_ref()?.1.argument
    }
}

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.invalid {
            Some((name, error)) => writeln!(
                f,
                "{name} is configured but cannot be used: {}. Later sources were not tried.",
                error.reason
            )?,
            None => writeln!(f, "No source of credentials is configured.")?,
        }
        if !self.tried.is_empty() {
            writeln!(f, "\nSources tried, in order:")?;
        }
        for (name, reason) in &self.tried {
            writeln!(f, "- {name}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoCredentials {}

/// The sources in the order of the official provider. Files in the home directory come last, so that they never take
/// precedence over something that was configured.
#[derive(Clone, Copy)]
enum SourceKind {
    AccessKey,
    Profile,
    CredentialsUri,
    EcsRole,
    Oidc,
    Home,
}

impl SourceKind {
    const ALL: [Self; 6] = [
        Self::AccessKey,
        Self::Profile,
        Self::CredentialsUri,
        Self::EcsRole,
        Self::Oidc,
        Self::Home,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AccessKey => "Access key",
            Self::Profile => "Profile",
            Self::CredentialsUri => "Credentials URI",
            Self::EcsRole => "ECS instance role",
            Self::Oidc => "OIDC",
            Self::Home => "Files in the home directory",
        }
    }

    async fn discover(
        self,
        config: &CredentialsConfig,
        system: &SystemContext,
        sts: &Sts,
    ) -> Result<Discovery, SourceConfigError> {
        match self {
            Self::AccessKey => access_key::discover(config, system, sts).await,
            Self::Profile => profile::discover(config, system, sts).await,
            Self::CredentialsUri => credentials_uri::discover(config, system),
            Self::EcsRole => ecs_role::discover(config, system),
            Self::Oidc => oidc::discover(config, system, sts).await,
            Self::Home => profile::discover_at_home(system, sts).await,
        }
    }
}

/// The same variables as in the official provider.
const ACCOUNT_VARIABLES: &[&str] = &["ALICLOUD_ACCOUNT_ID", "ALIBABA_CLOUD_ACCOUNT_ID"];

/// Selects the source of credentials. Reads arguments, environment variables and files; makes no network call.
pub async fn select_source(
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<SelectedSource, NoCredentials> {
    let mut tried = Vec::new();
    let invalid = |tried, name, error| NoCredentials {
        tried,
        invalid: Some((name, error)),
    };
    let sts = match Sts::new(system, config.sts_endpoint.clone()) {
        Ok(sts) => sts,
        Err(input) => return Err(invalid(tried, "The Security Token Service", input.into())),
    };
    for kind in SourceKind::ALL {
        match kind.discover(config, system, &sts).await {
            Ok(Discovery::NotConfigured(reason)) => tried.push((kind.name(), reason)),
            Err(error) => return Err(invalid(tried, kind.name(), error)),
            Ok(Discovery::Found(candidate)) => {
                return assume_role::apply_assume_role(*candidate, config, system, &sts)
                    .and_then(|selected| with_account(selected, config, system))
                    .map_err(|error| invalid(tried, "assume_role", error));
            }
        }
    }
    Err(NoCredentials {
        tried,
        invalid: None,
    })
}

fn with_account(
    selected: SelectedSource,
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<SelectedSource, SourceConfigError> {
    let account_id = match non_empty(config.account_id.as_ref()) {
        Some(account_id) => Some(account_id),
        None => system.environment.text(ACCOUNT_VARIABLES)?,
    };
    Ok(match account_id {
        None => selected,
        Some(account_id) => SelectedSource {
            source: Box::new(WithAccountId {
                base: selected.source,
                account_id,
            }),
            ..selected
        },
    })
}
