//! One file for each place that credentials come from. Each has a `look`, which says without any network call whether
//! the place is configured and usable, and a [`super::Source`] that obtains the keys.

pub(super) mod assume_role;
mod cached_keys;
mod cli_profile;
mod cloud_sso;
pub(super) mod credentials_uri;
pub(super) mod ecs_role;
mod external;
mod ini;
pub(super) mod oidc;
pub(super) mod profile;
pub(super) mod static_keys;

/// A text that is given and not empty.
pub(super) fn given(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}
