use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::account::OfAccount;
use super::outside::Outside;
use super::sources::assume_role::{self, AssumeRole};
use super::sources::oidc::{self, AssumeRoleWithOidc};
use super::sources::{credentials_uri, ecs_role, given, profile, static_keys};
use super::sts::{Role, Sts};
use super::{Region, Source};
use crate::environment::InvalidInput;

/// What the provider block says of credentials; an empty text counts as not given. What is not given may stand in the
/// environment.
#[derive(Default)]
pub struct Settings {
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
pub struct Chosen {
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

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chosen").field(&self.source.name()).finish()
    }
}

/// What a source answers when it is asked, unless it is broken.
pub(super) enum Lookup {
    /// Nothing tells it to work; says what would.
    NotConfigured(String),
    /// It can give keys.
    Found(Box<Candidate>),
}

/// Why a source that is configured cannot work.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) reason: String,
    /// The argument of the provider block that it hangs on.
    pub(super) argument: Option<&'static str>,
}

impl Broken {
    pub(super) fn new(argument: &'static str, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            argument: Some(argument),
        }
    }
}

impl From<InvalidInput> for Broken {
    fn from(input: InvalidInput) -> Self {
        Self {
            reason: input.to_string(),
            argument: None,
        }
    }
}

impl Lookup {
    pub(super) fn found(source: impl Source + 'static) -> Self {
        Self::Found(Box::new(Candidate {
            source: Box::new(source),
            role: None,
            region: None,
            warnings: Vec::new(),
        }))
    }
}

/// No source gives credentials. Its text lists every source that was asked, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub struct NoCredentials {
    tried: Vec<(&'static str, String)>,
    broken: Option<(&'static str, Broken)>,
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
enum Place {
    AccessKey,
    Profile,
    CredentialsUri,
    EcsRole,
    Oidc,
    Home,
}

impl Place {
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

    async fn look(
        self,
        settings: &Settings,
        outside: &Outside,
        sts: &Sts,
    ) -> Result<Lookup, Broken> {
        match self {
            Self::AccessKey => static_keys::look(settings, outside, sts).await,
            Self::Profile => profile::look(settings, outside, sts).await,
            Self::CredentialsUri => credentials_uri::look(settings, outside),
            Self::EcsRole => ecs_role::look(settings, outside),
            Self::Oidc => oidc::look(settings, outside, sts).await,
            Self::Home => profile::look_at_home(outside, sts).await,
        }
    }
}

/// As the official provider reads it.
const ACCOUNT_VARIABLES: &[&str] = &["ALICLOUD_ACCOUNT_ID", "ALIBABA_CLOUD_ACCOUNT_ID"];

/// Chooses the source of credentials. Reads arguments, environment and files; makes no network call.
pub async fn choose(settings: &Settings, outside: &Outside) -> Result<Chosen, NoCredentials> {
    let mut tried = Vec::new();
    let broken = |tried, name, broken| NoCredentials {
        tried,
        broken: Some((name, broken)),
    };
    let sts = match Sts::new(outside, settings.sts_endpoint.clone()) {
        Ok(sts) => sts,
        Err(input) => return Err(broken(tried, "The Security Token Service", input.into())),
    };
    for place in Place::ALL {
        match place.look(settings, outside, &sts).await {
            Ok(Lookup::NotConfigured(said)) => tried.push((place.name(), said)),
            Err(reason) => return Err(broken(tried, place.name(), reason)),
            Ok(Lookup::Found(candidate)) => {
                let chosen = assume_role::on_top(*candidate, settings, outside, &sts)
                    .and_then(|chosen| with_account(chosen, settings, outside));
                return chosen.map_err(|reason| broken(tried, "assume_role", reason));
            }
        }
    }
    Err(NoCredentials {
        tried,
        broken: None,
    })
}

fn with_account(chosen: Chosen, settings: &Settings, outside: &Outside) -> Result<Chosen, Broken> {
    let account_id = match given(settings.account_id.as_ref()) {
        Some(account_id) => Some(account_id),
        None => outside.environment.text(ACCOUNT_VARIABLES)?,
    };
    Ok(match account_id {
        None => chosen,
        Some(account_id) => Chosen {
            source: Box::new(OfAccount {
                base: chosen.source,
                account_id,
            }),
            ..chosen
        },
    })
}
