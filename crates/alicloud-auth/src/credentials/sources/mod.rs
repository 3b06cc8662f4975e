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
mod oauth_tokens;
pub(super) mod oidc;
pub(super) mod profile;
mod profile_fields;
mod profile_file;
mod profile_modes;

use secrecy::{ExposeSecret as _, SecretString};

use super::discovery::SourceConfigError;
use super::system::SystemContext;

/// Returns a string without surrounding whitespace, if anything is left of it.
fn non_empty(text: Option<&String>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// As [`non_empty`], for a secret.
fn non_empty_secret(secret: Option<&SecretString>) -> Option<SecretString> {
    let text = secret?.expose_secret().trim();
    (!text.is_empty()).then(|| text.into())
}

/// Returns the value of an argument, or of the first of these variables that is set.
pub(super) fn argument_or_variable(
    argument: Option<&String>,
    variables: &[&'static str],
    system: &SystemContext,
) -> Result<Option<String>, SourceConfigError> {
    match non_empty(argument) {
        Some(text) => Ok(Some(text)),
        None => Ok(system.environment.text(variables)?),
    }
}
