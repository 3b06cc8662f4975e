use std::fmt;
use std::sync::atomic::AtomicBool;

use futures_util::FutureExt as _;

use super::account::WithAccountId;
use super::discovery::{CredentialsConfig, Discovery, SelectedSource, SourceConfigError};
use super::sources::{
    access_key, argument_or_variable, assume_role, credentials_uri, ecs_role, oidc, profile,
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
    // The order of the official provider. Files that neither the block nor a profile's name points to come last, so that
    // they never take precedence over something that was configured.
    let sources = [
        (
            "Access key",
            access_key::discover(config, system, &sts).boxed(),
        ),
        ("Profile", profile::discover(config, system, &sts).boxed()),
        (
            "Credentials URI",
            async { credentials_uri::discover(config, system) }.boxed(),
        ),
        (
            "ECS instance role",
            async { ecs_role::discover(config, system) }.boxed(),
        ),
        ("OIDC", oidc::discover(config, system, &sts).boxed()),
        (
            "Credentials file",
            profile::discover_unnamed(system, &sts).boxed(),
        ),
    ];
    for (name, discovery) in sources {
        match discovery.await {
            Ok(Discovery::NotConfigured(reason)) => tried.push((name, reason)),
            Err(error) => return Err(invalid(tried, name, error)),
            Ok(Discovery::Found(candidate)) => {
                return match assume_role::apply_assume_role(*candidate, config, system, &sts) {
                    Err(error) => Err(invalid(tried, "The role to assume", error)),
                    Ok(selected) => with_account(selected, config, system)
                        .map_err(|error| invalid(tried, "The account ID", error)),
                };
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
    let account_id = argument_or_variable(config.account_id.as_ref(), ACCOUNT_VARIABLES, system)?;
    Ok(match account_id {
        None => selected,
        Some(account_id) => SelectedSource {
            source: Box::new(WithAccountId {
                base: selected.source,
                account_id,
                sts: selected.sts.clone(),
                is_confirmed: AtomicBool::new(false),
            }),
            ..selected
        },
    })
}
