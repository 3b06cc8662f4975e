//! A login in the browser (`CloudSSO`, OAuth) that the CLI has made and keeps in a profile, with keys for it. The file is
//! read anew each time, so that what the CLI has renewed meanwhile is found.

use std::sync::{Mutex, PoisonError};

use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use super::cli_profile::credentials;
use super::profile_file::{Profile, ProfileFile};
use crate::credentials::clock::ServerClock;
use crate::credentials::system::SystemContext;
use crate::credentials::{LoadedCredentials, SourceError};

/// Keys that expire sooner than this are not begun with.
const MIN_REMAINING_LIFETIME: time::Duration = time::Duration::minutes(5);

/// The profile of such a login.
pub(super) struct Login {
    /// For messages.
    pub(super) place: String,
    /// As it was written.
    pub(super) file: String,
    /// The profile's name.
    pub(super) profile: String,
    pub(super) system: SystemContext,
    /// ID of the kept keys that were given out last: they are not given out again.
    given_out: Mutex<Option<String>>,
}

impl Login {
    pub(super) fn new(
        place: String,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Self {
        Self {
            place,
            file,
            profile: profile.name.to_string(),
            system: system.clone(),
            given_out: Mutex::default(),
        }
    }

    pub(super) fn failed(&self, reason: &str) -> SourceError {
        SourceError::permanent(format!("{}: {reason}", self.place))
    }

    /// The profile as the file has it now.
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

    /// The keys in the profile, if they can be used for a while and were not given out before.
    pub(super) fn kept_keys(&self, profile: &Profile) -> Option<LoadedCredentials> {
        let kept = kept_keys(profile, &self.system.clock)?;
        let given_out = self.given_out.lock();
        let mut given_out = given_out.unwrap_or_else(PoisonError::into_inner);
        let id = &kept.credentials.access_key_id;
        let is_new = given_out.as_ref() != Some(id);
        *given_out = Some(id.clone());
        is_new.then_some(kept)
    }

    /// A Unix time in a field of the profile.
    pub(super) fn time(&self, field: &str, seconds: i64) -> Result<OffsetDateTime, SourceError> {
        OffsetDateTime::from_unix_timestamp(seconds)
            .map_err(|_| self.failed(&format!("{field} is not a time")))
    }
}

fn kept_keys(profile: &Profile, clock: &ServerClock) -> Option<LoadedCredentials> {
    let expires_at = OffsetDateTime::from_unix_timestamp(profile.sts_expiration).ok()?;
    let credentials = credentials(profile).ok()?;
    let lasts = expires_at - clock.now() > MIN_REMAINING_LIFETIME;
    (credentials.is_complete() && lasts).then_some(LoadedCredentials {
        credentials,
        expires_at: Some(expires_at),
    })
}
