//! A profile of a credentials file: the command line tool's `config.json`, or an INI file of the SDKs. Which of the two
//! a file is shows in its content, because one variable names both.

use std::io;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::cli_profile::{self, ProfileFile};
use super::{given, ini};
use crate::credentials::chain::{Lookup, Settings};
use crate::credentials::outside::Outside;
use crate::credentials::sts::Sts;

const PROFILE_VARIABLES: &[&str] = &["ALICLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE"];
const FILE_VARIABLES: &[&str] = &[
    "ALICLOUD_SHARED_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CONFIG_FILE",
];
const HOME_FILES: [&str; 2] = ["~/.aliyun/config.json", "~/.alibabacloud/credentials"];
const HOME_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";

/// The profile that block or environment name, of the file that they name.
pub(in crate::credentials) fn look(settings: &Settings, outside: &Outside, sts: &Sts) -> Lookup {
    let profile =
        given(settings.profile.as_ref()).or_else(|| outside.environment.first(PROFILE_VARIABLES));
    let file = given(settings.shared_credentials_file.as_ref())
        .or_else(|| outside.environment.first(FILE_VARIABLES));
    let argument = match (&profile, &file) {
        (None, None) => {
            return Lookup::NotConfigured(format!(
                "neither a profile (argument profile, {}) nor a file (argument shared_credentials_file, {}) is named",
                PROFILE_VARIABLES.join(", "),
                FILE_VARIABLES.join(", ")
            ));
        }
        (Some(_), None) => "profile",
        (_, Some(_)) => "shared_credentials_file",
    };
    let file = file.unwrap_or_else(|| HOME_FILES[0].to_owned());
    match outside.files.read(&outside.path(&file)) {
        Err(error) => Lookup::broken(argument, format!("{file} cannot be read: {error}")),
        Ok(text) => open(
            &file,
            text.expose_secret(),
            profile.as_deref(),
            outside,
            sts,
        ),
    }
}

/// The profile in use of the first file that is where the tools keep it.
pub(in crate::credentials) fn look_at_home(
    _settings: &Settings,
    outside: &Outside,
    sts: &Sts,
) -> Lookup {
    if outside.is_on(HOME_DISABLED) {
        return Lookup::NotConfigured(format!("turned off by {HOME_DISABLED}"));
    }
    if outside.home.is_none() {
        return Lookup::NotConfigured("there is no home directory".to_owned());
    }
    for file in HOME_FILES {
        match outside.files.read(&outside.path(file)) {
            Ok(text) => return open(file, text.expose_secret(), None, outside, sts),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Lookup::broken(
                    "shared_credentials_file",
                    format!("{file} cannot be read: {error}"),
                );
            }
        }
    }
    Lookup::NotConfigured(format!("there is no {}", HOME_FILES.join(" and no ")))
}

fn open(file: &str, text: &str, profile: Option<&str>, outside: &Outside, sts: &Sts) -> Lookup {
    match read(file, text).and_then(|parsed| cli_profile::choose(&parsed, profile, outside, sts)) {
        Ok(mut chosen) => {
            chosen.warnings.extend(exposed(file, outside));
            Lookup::Found(chosen)
        }
        Err(reason) => Lookup::broken("profile", reason),
    }
}

/// Tells the two forms apart: only JSON begins with a brace.
pub(super) fn read(file: &str, text: &str) -> Result<ProfileFile, String> {
    if text.trim_start().starts_with('{') {
        ProfileFile::from_json(file, text)
    } else {
        ini::parse(file, text)
    }
}

fn exposed(file: &str, outside: &Outside) -> Option<String> {
    let path = outside.path(file);
    outside.files.is_readable_by_others(Path::new(&path)).then(|| {
        format!("{file} can be read by other users of this machine. Make it your own alone: chmod 600 {file}")
    })
}
