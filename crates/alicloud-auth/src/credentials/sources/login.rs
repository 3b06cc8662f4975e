//! A browser login (`CloudSSO`, OAuth) of the CLI, which stores it in a profile together with temporary credentials. The
//! file is re-read each time, so that renewals by the CLI are found.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::profile_fields::Profile;
use super::profile_file::ProfileFile;
use crate::credentials::source::{LoadedCredentials, SourceError};
use crate::credentials::system::{HttpRequest, HttpResponse, SystemContext};

/// Credentials that expire sooner are not used.
const MIN_REMAINING_LIFETIME: Duration = Duration::minutes(5);

/// The profile of such a login.
pub(super) struct Login {
    /// For messages.
    pub(super) origin: String,
    /// The file's path, as the user wrote it.
    pub(super) file: String,
    /// The profile's name.
    pub(super) profile: String,
    pub(super) system: SystemContext,
    /// The access key ID of the cached credentials that were returned last: they are not returned again.
    last_returned: Mutex<Option<String>>,
}

impl Login {
    pub(super) fn new(
        origin: &str,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Self {
        Self {
            origin: origin.to_owned(),
            file,
            profile: profile.name.to_string(),
            system: system.clone(),
            last_returned: Mutex::default(),
        }
    }

    pub(super) fn failed(&self, reason: &str) -> SourceError {
        SourceError::permanent(format!("{}: {reason}", self.origin))
    }

    /// Reads the profile from the file.
    pub(super) async fn read(&self) -> Result<Profile, SourceError> {
        let path = self.system.path(&self.file);
        let read = self.system.files.read(&path).await;
        let text = read.map_err(|error| self.failed(&error.to_string()))?.text;
        self.parse(text.expose_secret())
    }

    pub(super) fn parse(&self, text: &str) -> Result<Profile, SourceError> {
        let parsed = ProfileFile::parse(&self.file, text);
        parsed
            .and_then(|parsed| parsed.profile(&self.profile).cloned())
            .map_err(|reason| self.failed(&reason))
    }

    /// Returns the credentials in the profile, unless they expire soon or were returned before.
    pub(super) fn cached_credentials(&self, profile: &Profile) -> Option<LoadedCredentials> {
        let expires_at = OffsetDateTime::from_unix_timestamp(profile.sts_expiration).ok()?;
        let credentials = profile.credentials().ok()?;
        let lasts = expires_at - self.system.clock.now() > MIN_REMAINING_LIFETIME;
        if !credentials.is_complete() || !lasts {
            return None;
        }
        let id = Some(credentials.access_key_id.clone());
        let last_returned = self.last_returned.lock();
        let mut last_returned = last_returned.unwrap_or_else(PoisonError::into_inner);
        let is_new = *last_returned != id;
        *last_returned = id;
        is_new.then_some(LoadedCredentials {
            credentials,
            expires_at: Some(expires_at),
        })
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
