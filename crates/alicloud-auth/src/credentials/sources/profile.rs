//! A profile of a credentials file: the CLI's `config.json`, or an INI file of the SDKs.

use std::io;

use secrecy::ExposeSecret as _;

use super::profile_fields::Profile;
use super::profile_file::ProfileFile;
use super::profile_modes;
use super::{argument_or_variable, non_empty};
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError, Warning};
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

/// Finds the configured profile, or the current one of the file that the provider block names. A file that only a
/// variable names is left to [`discover_unnamed`].
pub(in crate::credentials) async fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let (profile, file) = configured(config, system)?;
    let block_names_file = non_empty(config.shared_credentials_file.as_ref()).is_some();
    if profile.is_none() && !block_names_file {
        return Ok(Discovery::NotConfigured(format!(
            "neither a profile (argument profile, {}) nor argument shared_credentials_file is set",
            PROFILE_VARIABLES.join(", ")
        )));
    }
    let (path, argument) = match &file {
        Some(path) => (path.as_str(), "shared_credentials_file"),
        None => (HOME_FILES[0], "profile"),
    };
    select_from(path, argument, profile.as_deref(), system, sts).await
}

/// Finds the current profile of the file that a variable names, or else of the first well-known file that exists. The
/// variable may be meant for another tool, so it counts only if nothing else is configured; the official provider
/// does not read the file at all unless a profile is named.
pub(in crate::credentials) async fn discover_unnamed(
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    if let Some(path) = system.environment.text(FILE_VARIABLES)? {
        return select_from(&path, "shared_credentials_file", None, system, sts).await;
    }
    let not_configured = |reason: &str| {
        Ok(Discovery::NotConfigured(format!(
            "none of {} is set, and {reason}",
            FILE_VARIABLES.join(", ")
        )))
    };
    if system.environment.is_on(HOME_DISABLED)? {
        let reason = format!("files in the home directory are turned off by {HOME_DISABLED}");
        return not_configured(&reason);
    }
    if system.home.is_none() {
        return not_configured("there is no home directory");
    }
    for path in HOME_FILES {
        if let Some(opened) = open_if_exists(path, system).await? {
            return opened.select_source(None, system, sts);
        }
    }
    not_configured(&format!("there is no {}", HOME_FILES.join(" and no ")))
}

/// Opens a file that must exist. `argument` is at fault if it cannot be read.
async fn select_from(
    path: &str,
    argument: &'static str,
    profile: Option<&str>,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Discovery, SourceConfigError> {
    let opened = open(path, system)
        .await
        .map_err(|error| SourceConfigError::new(argument, unreadable(path, &error)))?;
    opened.select_source(profile, system, sts)
}

/// Finds the profile that is configured in addition to other credentials, and its origin. Its region, role and STS settings
/// apply all the same, as in the official provider, which ignores a missing file or profile: that is a warning.
pub(super) async fn find_configured(
    config: &CredentialsConfig,
    system: &SystemContext,
    warnings: &mut Vec<Warning>,
) -> Result<Option<(Profile, String)>, SourceConfigError> {
    let (Some(name), file) = configured(config, system)? else {
        return Ok(None);
    };
    let path = file.as_deref().unwrap_or(HOME_FILES[0]);
    let mut missing = |reason: &str| {
        warnings.push(Warning::MissingProfile(format!(
            "The profile {name:?} is set beside the access key, but {reason}. The access key is used without the region, the \
             role and the STS settings of a profile. Correct the profile (argument profile, {}) or the file (argument shared_credentials_file, {}), or remove the profile.",
            PROFILE_VARIABLES.join(", "),
            FILE_VARIABLES.join(", ")
        )));
    };
    let Some(opened) = open_if_exists(path, system).await? else {
        missing(&format!("{path} does not exist"));
        return Ok(None);
    };
    let parsed = opened.parse()?;
    let found = parsed
        .find(&name)
        .map_err(|reason| SourceConfigError::new("profile", reason))?;
    if found.is_none() {
        missing(&format!("{path} has no such profile"));
    }
    Ok(found.map(|profile| (profile.clone(), format!("profile {name:?} of {path}"))))
}

/// A file that was read.
struct OpenedFile {
    path: String,
    content: FileText,
}

async fn open(path: &str, system: &SystemContext) -> io::Result<OpenedFile> {
    Ok(OpenedFile {
        path: path.to_owned(),
        content: system.files.read(&system.path(path)?).await?,
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
            selected.warnings.push(Warning::ExposedFile(format!(
                "{path} is readable by other users of this machine. Restrict its permissions: chmod 600 {path}"
            )));
        }
        Ok(Discovery::Found(Box::new(selected)))
    }
}
