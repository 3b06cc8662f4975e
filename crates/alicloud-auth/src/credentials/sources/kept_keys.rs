//! Keys that the CLI obtained for a login in the browser (`CloudSSO`, OAuth) and keeps in its profile.

use time::OffsetDateTime;

use super::cli_profile::credentials;
use super::profile_file::Profile;
use crate::credentials::Issued;
use crate::credentials::clock::ServerClock;

/// Keys that expire sooner than this are not begun with.
const MIN_REMAINING_LIFETIME: time::Duration = time::Duration::minutes(5);

/// The keys of a profile, if there are any that can be used for a while.
pub(super) fn kept_keys(profile: &Profile, clock: &ServerClock) -> Option<Issued> {
    let expires_at = OffsetDateTime::from_unix_timestamp(profile.sts_expiration).ok()?;
    let credentials = credentials(profile).ok()?;
    let lasts = expires_at - clock.now() > MIN_REMAINING_LIFETIME;
    (credentials.is_complete() && lasts).then_some(Issued {
        credentials,
        expires_at: Some(expires_at),
    })
}
