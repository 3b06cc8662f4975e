//! A profile of a credentials file: the CLI's `config.json`, or an INI file of the SDKs.

use std::io;

use secrecy::ExposeSecret as _;

use super::cli_profile;
use super::given_or_variable;
use super::profile_file::{Profile, ProfileFile};
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::sts::Sts;
use crate::credentials::system::SystemContext;

const PROFILE_VARIABLES: &[&str] = &["ALICLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE"];
const FILE_VARIABLES: &[&str] = &[
    "ALICLOUD_SHARED_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CONFIG_FILE",
];
/// The CLI's, the Go SDK's and the Python SDK's.
const HOME_FILES: [&str; 3] = [
    "~/.aliyun/config.json",
    "~/.alibabacloud/credentials",
    "~/.alibabacloud/credentials.ini",
];
const HOME_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";

/// What block and environment name.
struct Named {
    profile: Option<String>,
    file: Option<String>,
}

impl Named {
    fn read(
        settings: &CredentialsConfig,
        system: &SystemContext,
    ) -> Result<Self, SourceConfigError> {
        Ok(Self {
            profile: given_or_variable(settings.profile.as_ref(), PROFILE_VARIABLES, system)?,
            file: given_or_variable(
                settings.shared_credentials_file.as_ref(),
                FILE_VARIABLES,
                system,
            )?,
        })
    }
}

/// The profile that block or environment name, of the file that they name.
pub(in crate::credentials) async fn discover(
    settings: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let named = Named::read(settings, system)?;
    let argument = match (&named.profile, &named.file) {
        (None, None) => {
            return Ok(Discovery::NotConfigured(format!(
                "neither a profile (argument profile, {}) nor a file (argument shared_credentials_file, {}) is named",
                PROFILE_VARIABLES.join(", "),
                FILE_VARIABLES.join(", ")
            )));
        }
        (Some(_), None) => "profile",
        (_, Some(_)) => "shared_credentials_file",
    };
    let file = named.file.as_deref().unwrap_or(HOME_FILES[0]);
    let opened = open(file, system).await.map_err(|error| {
        SourceConfigError::new(argument, format!("{file} cannot be read: {error}"))
    })?;
    opened.select_source(named.profile.as_deref(), system, sts)
}

/// The profile in use of the first file that is where the tools keep it.
pub(in crate::credentials) async fn discover_at_home(
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    if system.environment.is_on(HOME_DISABLED)? {
        return Ok(Discovery::NotConfigured(format!(
            "turned off by {HOME_DISABLED}"
        )));
    }
    if system.home.is_none() {
        return Ok(Discovery::NotConfigured(
            "there is no home directory".to_owned(),
        ));
    }
    for file in HOME_FILES {
        match open(file, system).await {
            Ok(opened) => return opened.select_source(None, system, sts),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let reason = format!("{file} cannot be read: {error}");
                return Err(SourceConfigError::new("shared_credentials_file", reason));
            }
        }
    }
    Ok(Discovery::NotConfigured(format!(
        "there is no {}",
        HOME_FILES.join(" and no ")
    )))
}

/// The profile that is named beside keys from elsewhere, whose region and role count all the same, as the official
/// provider decides. A file or a profile that is not there is none.
pub(super) async fn beside_keys(
    settings: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Option<(Profile, String)>, SourceConfigError> {
    let named = Named::read(settings, system)?;
    let Some(name) = named.profile else {
        return Ok(None);
    };
    let file = named.file.as_deref().unwrap_or(HOME_FILES[0]);
    let opened = match open(file, system).await {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let reason = format!("{file} cannot be read: {error}");
            return Err(SourceConfigError::new("shared_credentials_file", reason));
        }
    };
    let parsed = opened.parse()?;
    let found = parsed.profiles.into_iter().find(|p| *p.name == *name);
    Ok(found.map(|profile| (profile, format!("profile {name:?} of {file}"))))
}

/// A file that could be read.
struct Opened {
    file: String,
    text: crate::credentials::system::FileText,
}

async fn open(file: &str, system: &SystemContext) -> io::Result<Opened> {
    Ok(Opened {
        file: file.to_owned(),
        text: system.files.read(&system.path(file)).await?,
    })
}

impl Opened {
    fn parse(&self) -> Result<ProfileFile, SourceConfigError> {
        ProfileFile::parse(&self.file, self.text.text.expose_secret())
            .map_err(|reason| SourceConfigError::new("profile", reason))
    }

    fn select_source(
        &self,
        profile: Option<&str>,
        system: &SystemContext,
        sts: &Sts,
    ) -> Result<Discovery, SourceConfigError> {
        let mut chosen = cli_profile::select_source(&self.parse()?, profile, system, sts)
            .map_err(|reason| SourceConfigError::new("profile", reason))?;
        if self.text.is_readable_by_others {
            let file = &self.file;
            chosen.warnings.push(format!(
                "{file} can be read by other users of this machine. Make it your own alone: chmod 600 {file}"
            ));
        }
        Ok(Discovery::Found(Box::new(chosen)))
    }
}
