//! One file for each source of credentials. Its `discover` finds out, without a network call, whether the source is
//! configured and usable; its [`CredentialsSource`](super::source::CredentialsSource) loads the credentials.

pub(super) mod access_key;
pub(super) mod assume_role;
mod cloud_sso;
pub(super) mod credentials_uri;
pub(super) mod ecs_role;
mod external;
mod ini;
mod login;
mod oauth;
pub(super) mod oidc;
pub(super) mod profile;
mod profile_fields;
mod profile_file;
mod profile_modes;

use super::discovery::SourceConfigError;
use super::system::SystemContext;

/// Returns a string without surrounding whitespace, if anything is left of it.
pub(super) fn non_empty(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
}

/// Returns the value of an argument, or of the first of these variables that is set.
fn argument_or_variable(
    argument: Option<&String>,
    variables: &[&'static str],
    system: &SystemContext,
) -> Result<Option<String>, SourceConfigError> {
    match non_empty(argument) {
        Some(text) => Ok(Some(text)),
        None => Ok(system.environment.text(variables)?),
    }
}
