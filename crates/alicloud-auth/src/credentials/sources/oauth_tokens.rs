//! The tokens of an OAuth login in the CLI's file.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize as _;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::credentials::response::parse;

#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) access_token: SecretString,
    pub(super) refresh_token: SecretString,
    /// By the clock of this machine.
    pub(super) expires_at: OffsetDateTime,
}

/// Returns the text of a `config.json` with new tokens in one profile, indented as by the CLI. Unknown fields are kept. An
/// error if the profile's refresh token has changed: there was a new login.
pub(super) fn with_tokens(
    text: &SecretString,
    profile: &str,
    in_file: &SecretString,
    tokens: &Tokens,
) -> Result<SecretString, String> {
    let mut config: Value = parse(text.expose_secret())?;
    let profiles = config.get_mut("profiles").and_then(Value::as_array_mut);
    let mut profiles = profiles.into_iter().flatten();
    let is_named = |found: &&mut Value| {
        let name = found.get("name").and_then(Value::as_str);
        name.is_some_and(|name| name.trim() == profile)
    };
    let found = profiles.find(is_named).and_then(Value::as_object_mut);
    let found = found.ok_or("the profile has been removed from it")?;
    let current = found.get("oauth_refresh_token").and_then(Value::as_str);
    if current.map(str::trim) != Some(in_file.expose_secret()) {
        return Err("there was a new login meanwhile".to_owned());
    }
    let (access, refresh) = (&tokens.access_token, &tokens.refresh_token);
    found.insert("oauth_access_token".into(), json!(access.expose_secret()));
    found.insert("oauth_refresh_token".into(), json!(refresh.expose_secret()));
    let expires_at = tokens.expires_at.unix_timestamp();
    found.insert("oauth_access_token_expire".into(), json!(expires_at));
    let mut written = Vec::new();
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut writer = serde_json::Serializer::with_formatter(&mut written, tabs);
    config
        .serialize(&mut writer)
        .map_err(|error| error.to_string())?;
    let written = String::from_utf8(written).map_err(|error| error.to_string())?;
    Ok(written.into())
}
