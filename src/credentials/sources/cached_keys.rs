//! Keys that the command line tool obtained after a login in the browser (OAuth) and keeps in its profile. Only the
//! tool can renew them; the file is read anew each time, so that what it renewed is found.

use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use super::cli_profile::{Profile, credentials};
use super::profile;
use crate::credentials::clock::ServerClock;
use crate::credentials::outside::Outside;
use crate::credentials::{Issued, Source, SourceError};

pub(super) struct CachedKeys {
    place: String,
    file: String,
    profile: String,
    outside: Outside,
}

impl CachedKeys {
    pub(super) fn new(place: String, file: String, profile: &Profile, outside: &Outside) -> Self {
        Self {
            place,
            file,
            profile: profile.name.clone(),
            outside: outside.clone(),
        }
    }
}

/// The keys of a profile, if there are any and they still live.
pub(super) fn living_keys(profile: &Profile, clock: &ServerClock) -> Option<Issued> {
    let expires_at = OffsetDateTime::from_unix_timestamp(profile.sts_expiration).ok()?;
    let are_there =
        !profile.access_key_id.is_empty() && !profile.access_key_secret.expose_secret().is_empty();
    (are_there && expires_at > clock.now()).then(|| Issued {
        credentials: credentials(profile),
        expires_at: Some(expires_at),
    })
}

#[async_trait::async_trait]
impl Source for CachedKeys {
    fn name(&self) -> String {
        self.place.clone()
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        let failed = |reason: String| SourceError::lasting(format!("{}: {reason}", self.place));
        let text = self
            .outside
            .files
            .read(&self.outside.path(&self.file))
            .map_err(|error| failed(error.to_string()))?;
        let parsed = profile::read(&self.file, text.expose_secret()).map_err(failed)?;
        let profile = parsed.profile(&self.profile).map_err(failed)?;
        living_keys(profile, &self.outside.clock).ok_or_else(|| {
            failed("its keys have expired; renew them with the aliyun command line tool".to_owned())
        })
    }
}
