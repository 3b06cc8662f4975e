use std::fmt;

use super::account::OfAccount;
use super::discovery::{CredentialsConfig, Discovery, SelectedSource, SourceConfigError};
use super::sources::{assume_role, credentials_uri, ecs_role, given, oidc, profile, static_keys};
use super::sts::Sts;
use super::system::SystemContext;

/// No source gives credentials. Its text lists every source that was asked, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub struct NoCredentials {
    tried: Vec<(&'static str, String)>,
    broken: Option<(&'static str, SourceConfigError)>,
}

impl NoCredentials {
    /// The argument of the provider block that is at fault, if it is one.
    pub fn argument(&self) -> Option<&'static str> {
        self.broken.as_ref()?.1.argument
    }
}

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken {
            Some((name, broken)) => writeln!(
                f,
                "{name} is configured, but {}. Sources after it were not asked.",
                broken.reason
            )?,
            None => writeln!(f, "No source of credentials is configured.")?,
        }
        if !self.tried.is_empty() {
            writeln!(f, "\nAsked, in this order:")?;
        }
        for (name, said) in &self.tried {
            writeln!(f, "- {name}: {said}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoCredentials {}

/// The sources in the order of the official provider. What merely lies in the home directory comes last, so that it
/// never takes the place of something that was configured.
#[derive(Clone, Copy)]
enum Candidates {
    AccessKey,
    Profile,
    CredentialsUri,
    EcsRole,
    Oidc,
    Home,
}

impl Candidates {
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
        settings: &CredentialsConfig,
        system: &SystemContext,
        sts: &Sts,
    ) -> Result<Discovery, SourceConfigError> {
        match self {
            Self::AccessKey => static_keys::discover(settings, system, sts).await,
            Self::Profile => profile::discover(settings, system, sts).await,
            Self::CredentialsUri => credentials_uri::discover(settings, system),
            Self::EcsRole => ecs_role::discover(settings, system),
            Self::Oidc => oidc::discover(settings, system, sts).await,
            Self::Home => profile::discover_at_home(system, sts).await,
        }
    }
}

/// As the official provider reads it.
const ACCOUNT_VARIABLES: &[&str] = &["ALICLOUD_ACCOUNT_ID", "ALIBABA_CLOUD_ACCOUNT_ID"];

/// Chooses the source of credentials. Reads arguments, environment and files; makes no network call.
pub async fn select_source(
    settings: &CredentialsConfig,
    system: &SystemContext,
) -> Result<SelectedSource, NoCredentials> {
    let mut tried = Vec::new();
    let broken = |tried, name, broken| NoCredentials {
        tried,
        broken: Some((name, broken)),
    };
    let sts = match Sts::new(system, settings.sts_endpoint.clone()) {
        Ok(sts) => sts,
        Err(input) => return Err(broken(tried, "The Security Token Service", input.into())),
    };
    for place in Candidates::ALL {
        match place.discover(settings, system, &sts).await {
            Ok(Discovery::NotConfigured(said)) => tried.push((place.name(), said)),
            Err(reason) => return Err(broken(tried, place.name(), reason)),
            Ok(Discovery::Found(candidate)) => {
                let chosen = assume_role::apply_assume_role(*candidate, settings, system, &sts)
                    .and_then(|chosen| with_account(chosen, settings, system));
                return chosen.map_err(|reason| broken(tried, "assume_role", reason));
            }
        }
    }
    Err(NoCredentials {
        tried,
        broken: None,
    })
}

fn with_account(
    chosen: SelectedSource,
    settings: &CredentialsConfig,
    system: &SystemContext,
) -> Result<SelectedSource, SourceConfigError> {
    let account_id = match given(settings.account_id.as_ref()) {
        Some(account_id) => Some(account_id),
        None => system.environment.text(ACCOUNT_VARIABLES)?,
    };
    Ok(match account_id {
        None => chosen,
        Some(account_id) => SelectedSource {
            source: Box::new(OfAccount {
                base: chosen.source,
                account_id,
            }),
            ..chosen
        },
    })
}
