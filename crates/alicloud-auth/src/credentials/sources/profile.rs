//! A profile of a credentials file: the CLI's `config.json`, or an INI file of the SDKs.

use std::io;

use secrecy::ExposeSecret as _;

use super::argument_or_variable;
use super::profile_fields::Profile;
use super::profile_file::ProfileFile;
use super::profile_modes;
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::sts::Sts;
use crate::credentials::system::{FileText, SystemContext};

const PROFILE_VARIABLES: &[&str] = &["ALICLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE"];
const FILE_VARIABLES: &[&str] = &[
    "ALICLOUD_SHARED_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CONFIG_FILE",
];
/// The files of the CLI, the Go SDK and the Python SDK.
const HOME_FILES: [&str; 3] = [
    "~/.aliyun/config.json",
    "~/.alibabacloud/credentials",
    "~/.alibabacloud/credentials.ini",
];
const HOME_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";

/// Returns the profile and the file that arguments or variables configure.
fn configured(
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<(Option<String>, Option<String>), SourceConfigError> {
    let file = config.shared_credentials_file.as_ref();
    Ok((
        argument_or_variable(config.profile.as_ref(), PROFILE_VARIABLES, system)?,
        argument_or_variable(file, FILE_VARIABLES, system)?,
    ))
}

/// Finds the profile and the file that arguments or variables configure.
pub(in crate::credentials) async fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let (profile, file) = configured(config, system)?;
    let argument = match (&profile, &file) {
        (None, None) => {
            return Ok(Discovery::NotConfigured(format!(
                "neither a profile (argument profile, {}) nor a file (argument shared_credentials_file, {}) is set",
                PROFILE_VARIABLES.join(", "),
                FILE_VARIABLES.join(", ")
            )));
        }
        (Some(_), None) => "profile",
        (_, Some(_)) => "shared_credentials_file",
    };
    let path = file.as_deref().unwrap_or(HOME_FILES[0]);
    let opened = open(path, system)
        .await
        .map_err(|error| SourceConfigError::new(argument, unreadable(path, &error)))?;
    opened.select_source(profile.as_deref(), system, sts)
}

/// Finds the current profile of the first well-known file that exists.
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
    for path in HOME_FILES {
        if let Some(opened) = open_if_exists(path, system).await? {
            return opened.select_source(None, system, sts);
        }
    }
    Ok(Discovery::NotConfigured(format!(
        "there is no {}",
        HOME_FILES.join(" and no ")
    )))
}

/// Finds the profile that is configured in addition to other credentials, and its origin. Its region and role apply all
/// the same, as in the official provider; a missing file or profile is not an error.
pub(super) async fn find_configured(
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Option<(Profile, String)>, SourceConfigError> {
    let (Some(name), file) = configured(config, system)? else {
        return Ok(None);
    };
    let path = file.as_deref().unwrap_or(HOME_FILES[0]);
    let Some(opened) = open_if_exists(path, system).await? else {
        return Ok(None);
    };
    let parsed = opened.parse()?;
    let found = parsed.profiles.into_iter().find(|p| *p.name == *name);
    Ok(found.map(|profile| (profile, format!("profile {name:?} of {path}"))))
}

/// A file that was read.
struct OpenedFile {
    path: String,
    content: FileText,
}

async fn open(path: &str, system: &SystemContext) -> io::Result<OpenedFile> {
    Ok(OpenedFile {
        path: path.to_owned(),
        content: system.files.read(&system.path(path)).await?,
    })
}

async fn open_if_exists(
    path: &str,
    system: &SystemContext,
) -> Result<Option<OpenedFile>, SourceConfigError> {
    match open(path, system).await {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let reason = unreadable(path, &error);
            Err(SourceConfigError::new("shared_credentials_file", reason))
        }
    }
}

fn unreadable(path: &str, error: &io::Error) -> String {
    format!("{path} cannot be read: {error}")
}

impl OpenedFile {
    fn parse(&self) -> Result<ProfileFile, SourceConfigError> {
        ProfileFile::parse(&self.path, self.content.text.expose_secret())
            .map_err(|reason| SourceConfigError::new("profile", reason))
    }

    fn select_source(
        &self,
        profile: Option<&str>,
        system: &SystemContext,
        sts: &Sts,
    ) -> Result<Discovery, SourceConfigError> {
        let mut selected = profile_modes::select_source(&self.parse()?, profile, system, sts)
            .map_err(|reason| SourceConfigError::new("profile", reason))?;
        if self.content.is_readable_by_others {
            let path = &self.path;
            selected.warnings.push(format!(
                "{path} is readable by other users of this machine. Restrict its permissions: chmod 600 {path}"
            ));
        }
        Ok(Discovery::Found(Box::new(selected)))
    }
}
