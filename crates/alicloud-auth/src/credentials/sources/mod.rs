//! One file for each place that credentials come from. Each has a `discover`, which says without any network call whether
//! the place is configured and usable, and a [`super::Source`] that obtains the keys.

pub(super) mod assume_role;
mod cli_profile;
mod cloud_sso;
pub(super) mod credentials_uri;
pub(super) mod ecs_role;
mod external;
mod ini;
mod login;
mod oauth;
pub(super) mod oidc;
pub(super) mod profile;
pub(super) mod profile_file;
pub(super) mod static_keys;

use super::discovery::SourceConfigError;
use super::system::SystemContext;

/// A text that is given, without blanks around it, and not empty.
pub(super) fn given(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
}

/// An argument, or the first of these variables that is set.
fn given_or_variable(
    argument: Option<&String>,
    variables: &[&'static str],
    system: &SystemContext,
) -> Result<Option<String>, SourceConfigError> {
    match given(argument) {
        Some(text) => Ok(Some(text)),
        None => Ok(system.environment.text(variables)?),
    }
}
