use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use crate::client::{LiveClient, Scope};
use crate::provider::check::check;
use crate::provider::connection::Connection;
use crate::provider::job_id::is_identifier;
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

/// The rule of `cluster_id`.
pub(in crate::provider) fn check_cluster_id(value: &Value<String>, diagnostics: &mut Diagnostics) {
    check(
        diagnostics,
        "cluster_id",
        value,
        "Invalid cluster ID",
        |text| {
            let is_right = is_identifier(text) && !text.contains(':');
            (!is_right).then(|| {
            "A cluster's ID is not empty and holds no colon, no white space and no control character.".to_owned()
        })
        },
    );
}

/// The rule of `job_id` and `template_id`.
pub(in crate::provider) fn check_id(
    attribute: &'static str,
    value: &Value<String>,
    diagnostics: &mut Diagnostics,
) {
    check(diagnostics, attribute, value, "Invalid ID", |text| {
        (!is_identifier(text)).then(|| {
            "An ID is not empty and holds no white space and no control character.".to_owned()
        })
    });
}

/// An argument that is one of a few words.
pub(in crate::provider) fn check_choice(
    attribute: &'static str,
    value: &Value<String>,
    choices: &[&str],
    diagnostics: &mut Diagnostics,
) {
    check(diagnostics, attribute, value, "Invalid choice", |text| {
        (!choices.contains(&text))
            .then(|| format!("It must be one of {}, not {text:?}.", choices.join(", ")))
    });
}

/// A text by which something is looked for.
pub(in crate::provider) fn check_not_empty(
    attribute: &'static str,
    value: &Value<String>,
    diagnostics: &mut Diagnostics,
) {
    check(
        diagnostics,
        attribute,
        value,
        "Nothing to look for",
        |text| {
            text.is_empty()
                .then(|| "It is empty. Leave it out to read all.".to_owned())
        },
    );
}

/// The rule of `name_regex`.
pub(in crate::provider) fn check_regex(value: &Value<String>, diagnostics: &mut Diagnostics) {
    check(
        diagnostics,
        "name_regex",
        value,
        "Invalid regular expression",
        |text| {
            Regex::new(text)
                .err()
                .map(|error| format!("In {text:?}: {error}."))
        },
    );
}

/// Whether a name matches `name_regex`, which matches everything when it is not set.
pub(in crate::provider) fn name_matcher(value: &Value<String>) -> impl Fn(&str) -> bool + use<> {
    // What is no expression was refused by validation.
    let regex = optional(value).and_then(|text| Regex::new(text).ok());
    move |name| regex.as_ref().is_none_or(|regex| regex.is_match(name))
}
