use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use super::provider_data::ProviderData;
use alicloud_live::{CallContext, LiveClient};
use tfplugin::value::Value;
use tfplugin::{Diagnostics, diagnostic};

/// How long a read may take, all pages included.
const READ_TIME: Duration = Duration::from_secs(5 * 60);

/// The types of templates, and so of jobs, that the API documents.
pub(crate) const TYPES: &[&str] = &["common", "nbhd-2", "ultra-hd"];

/// What a read needs: the client, and the bounds of the work that begins now.
pub(crate) fn begin(
    connection: &ProviderData,
    diagnostics: &mut Diagnostics,
) -> Option<(Arc<LiveClient>, CallContext)> {
    match connection.client() {
        Ok(client) => Some((client, connection.ctx(READ_TIME))),
        Err(error) => {
            diagnostics.add_error(error);
            None
        }
    }
}

/// Warns of listed items that could not be decoded: what was found is not the whole then.
pub(crate) fn warn_of_unreadable(
    items: &'static str,
    unreadable: &[String],
    diagnostics: &mut Diagnostics,
) {
    const MAX_LISTED: usize = 10;
    if unreadable.is_empty() {
        return;
    }
    let ids: Vec<_> = unreadable
        .iter()
        .take(MAX_LISTED)
        .map(|id| {
            if id.is_empty() {
                "one without an ID"
            } else {
                id
            }
        })
        .collect();
    let more = unreadable.len().saturating_sub(MAX_LISTED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    diagnostics.add_warning(diagnostic::general(
        "Items of a list could not be decoded",
        format!(
            "The API returned {items} that are not as it documents them, and that are left out here: {}{more}.",
            ids.join(", ")
        ),
    ));
}

/// The text of an argument that is known once Terraform reads: empty where it is not set.
pub(crate) fn text(value: &Value<String>) -> &str {
    optional(value).unwrap_or_default()
}

/// The text of an argument that need not be set.
pub(crate) fn optional(value: &Value<String>) -> Option<&str> {
    value.as_ref_option().map(String::as_str)
}

/// Whether a name matches `name_regex`, which matches everything when it is not set.
pub(crate) fn name_matcher(value: &Value<String>) -> impl Fn(&str) -> bool + use<> {
    // Validation has rejected what is not an expression.
    let regex = optional(value).and_then(|text| Regex::new(text).ok());
    move |name| regex.as_ref().is_none_or(|regex| regex.is_match(name))
}
