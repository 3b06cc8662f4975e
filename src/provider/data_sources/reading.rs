use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use crate::client::{LiveClient, Scope};
use crate::provider::connection::Connection;
use crate::terraform::Diagnostics;
use crate::terraform::value::Value;

/// How long a read may take, all pages included.
const READ_TIME: Duration = Duration::from_secs(5 * 60);

/// The types of templates, and so of jobs, that the API documents.
pub(in crate::provider) const TYPES: &[&str] = &["common", "nbhd-2", "ultra-hd"];

/// What a read needs: the client, and the bounds of the work that begins now.
pub(in crate::provider) fn begin(
    connection: &Connection,
    diagnostics: &mut Diagnostics,
) -> Option<(Arc<LiveClient>, Scope)> {
    match connection.client() {
        Ok(client) => Some((client, connection.scope(READ_TIME))),
        Err(error) => {
            diagnostics.add_error(error);
            None
        }
    }
}

/// The text of an argument that is known once Terraform reads: empty where it is not set.
pub(in crate::provider) fn text(value: &Value<String>) -> &str {
    optional(value).unwrap_or_default()
}

/// The text of an argument that need not be set.
pub(in crate::provider) fn optional(value: &Value<String>) -> Option<&str> {
    value.as_ref_option().map(String::as_str)
}

/// Whether a name matches `name_regex`, which matches everything when it is not set.
pub(in crate::provider) fn name_matcher(value: &Value<String>) -> impl Fn(&str) -> bool + use<> {
    // What is no expression was refused by validation.
    let regex = optional(value).and_then(|text| Regex::new(text).ok());
    move |name| regex.as_ref().is_none_or(|regex| regex.is_match(name))
}
