//! A browser login (`CloudSSO`, OAuth) of the CLI, which stores it in a profile. The file is re-read each time, so that
//! renewals by the CLI are found. The temporary credentials that the CLI stores beside a login are not used, nor does the Go
//! SDK use them: they may be of another account, because the CLI keeps them when the mode, site or account of a profile is
//! changed.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::profile_fields::Profile;
use super::profile_file::ProfileFile;
use crate::credentials::source::SourceError;
use crate::credentials::system::{HttpRequest, HttpResponse, SystemContext};

/// The profile of such a login.
pub(super) struct Login {
    /// For messages.
    pub(super) origin: String,
    /// The file's path, as the user wrote it.
    pub(super) file: String,
    pub(super) path: PathBuf,
    /// The profile's name.
    pub(super) profile: String,
    /// Its mode.
    mode: String,
    pub(super) system: SystemContext,
}

impl Login {
    pub(super) fn new(
        origin: &str,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Result<Self, String> {
        let path = system.path(&file).map_err(|error| error.to_string())?;
        Ok(Self {
            origin: origin.to_owned(),
            file,
            path,
            profile: profile.name.to_string(),
            mode: profile.mode.to_string(),
            system: system.clone(),
        })
    }

    pub(super) fn failed(&self, reason: &str) -> SourceError {
        SourceError::permanent(format!("{}: {reason}", self.origin))
    }

    /// As [`Self::failed`], with the command that cures it.
    pub(super) fn must_log_in(&self, reason: &str) -> SourceError {
        let Self { mode, profile, .. } = self;
        self.failed(&format!(
            "{reason}; log in again: aliyun configure --mode {mode} --profile {profile}"
        ))
    }

    /// Reads the profile from the file.
    pub(super) async fn read(&self) -> Result<Profile, SourceError> {
        let read = self.system.files.read(&self.path).await;
        let text = read.map_err(|error| self.failed(&error.to_string()))?.text;
        self.parse(text.expose_secret())
    }

    pub(super) fn parse(&self, text: &str) -> Result<Profile, SourceError> {
        let parsed = ProfileFile::parse(&self.file, text);
        parsed
            .and_then(|parsed| parsed.profile(&self.profile).cloned())
            .map_err(|reason| self.failed(&reason))
    }

    /// Returns the sender of a response, for errors of the source.
    pub(super) fn origin_of(&self, host: &str) -> String {
        format!("{}: {host}", self.origin)
    }

    /// Sends a POST request to the sign-in host.
    pub(super) async fn post(
        &self,
        url: Url,
        headers: Vec<(&'static str, SecretString)>,
        body: SecretString,
    ) -> Result<HttpResponse, SourceError> {
        let request = HttpRequest {
            headers,
            body,
            ..HttpRequest::new("POST", url)
        };
        let sent = self.system.http.send(request).await;
        sent.map_err(|reason| SourceError::transient(format!("{}: {reason}", self.origin)))
    }

    /// Returns how long a token lasts whose expiry is in a field of the profile. The CLI, which may run at the same time,
    /// writes that field and compares it by this machine's clock, right or wrong.
    pub(super) fn token_lifetime(
        &self,
        field: &str,
        seconds: i64,
    ) -> Result<Duration, SourceError> {
        let expires_at = OffsetDateTime::from_unix_timestamp(seconds)
            .map_err(|_| self.failed(&format!("{field} is not a timestamp")))?;
        Ok(expires_at - self.system.clock.machine_time())
    }
}
