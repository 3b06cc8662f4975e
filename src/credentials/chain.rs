use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::Source;
use super::account::OfAccount;
use super::outside::Outside;
use super::sources::assume_role::{self, AssumeRole};
use super::sources::oidc::{self, AssumeRoleWithOidc};
use super::sources::{credentials_uri, ecs_role, given, profile, static_keys};
use super::sts::Sts;

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
    pub region: Option<String>,
    /// What users should know of it.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chosen").field(&self.source.name()).finish()
    }
}

/// What a source answers when it is asked.
pub(super) enum Lookup {
    /// Nothing tells it to work; says what would.
    NotConfigured(String),
    /// It was told to work and cannot.
    Broken(Broken),
    /// It can give keys.
    Found(Chosen),
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

impl Lookup {
    pub(super) fn found(source: impl Source + 'static) -> Self {
        Self::Found(Chosen {
            source: Box::new(source),
            region: None,
            warnings: Vec::new(),
        })
    }

    pub(super) fn broken(argument: &'static str, reason: impl Into<String>) -> Self {
        Self::Broken(Broken::new(argument, reason))
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

type Ask = fn(&Settings, &Outside, &Sts) -> Lookup;

/// The sources in the order of the official provider. What merely lies in the home directory comes last, so that it
/// never takes the place of something that was configured.
const SOURCES: [(&str, Ask); 6] = [
    ("Access key", static_keys::look),
    ("Profile", profile::look),
    ("Credentials URI", credentials_uri::look),
    ("ECS instance role", ecs_role::look),
    ("OIDC", oidc::look),
    ("Files in the home directory", profile::look_at_home),
];

/// As the official provider reads it.
const ACCOUNT_VARIABLES: &[&str] = &["ALICLOUD_ACCOUNT_ID", "ALIBABA_CLOUD_ACCOUNT_ID"];

fn with_account(chosen: Chosen, settings: &Settings, outside: &Outside) -> Chosen {
    let account_id = given(settings.account_id.as_ref())
        .or_else(|| outside.environment.first(ACCOUNT_VARIABLES));
    match account_id {
        None => chosen,
        Some(account_id) => Chosen {
            source: Box::new(OfAccount {
                base: chosen.source,
                account_id,
            }),
            ..chosen
        },
    }
}

/// Chooses the source of credentials. Reads arguments, environment and files; makes no network call.
pub fn choose(settings: &Settings, outside: &Outside) -> Result<Chosen, NoCredentials> {
    let sts = Sts::new(outside, settings.sts_endpoint.clone());
    let mut tried = Vec::new();
    for (name, ask) in SOURCES {
        match ask(settings, outside, &sts) {
            Lookup::NotConfigured(said) => tried.push((name, said)),
            Lookup::Broken(broken) => {
                return Err(NoCredentials {
                    tried,
                    broken: Some((name, broken)),
                });
            }
            Lookup::Found(chosen) => {
                let chosen =
                    assume_role::on_top(chosen, settings, outside, &sts).map_err(|broken| {
                        NoCredentials {
                            tried,
                            broken: Some(("assume_role", broken)),
                        }
                    })?;
                return Ok(with_account(chosen, settings, outside));
            }
        }
    }
    Err(NoCredentials {
        tried,
        broken: None,
    })
}
