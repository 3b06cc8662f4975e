use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use super::call_error::to_diagnostic;
use super::provider_data::ProviderData;
use super::reported;
use alicloud_live::{CallContext, CallError, Listed, LiveClient};
use tfplugin::value::Value;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// How long a read may take, all pages included.
const READ_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The summary of what is said of listed items that could not be decoded.
const UNREADABLE: &str = "Items of a list could not be decoded";

/// What a read needs: the client, and the bounds of the work that begins now. A configuration may have a thousand data
/// sources: they share an outage.
pub(crate) fn begin(
    data: &ProviderData,
    diagnostics: &mut Diagnostics,
) -> Option<(Arc<LiveClient>, CallContext)> {
    let session = reported(data.session(), diagnostics)?;
    Some((session.client, data.ctx(READ_TIMEOUT).sharing_outages()))
}

/// What a call has returned; a failure goes to the diagnostics. `summary` says what could not be done.
pub(crate) fn returned<T>(
    result: Result<T, CallError>,
    summary: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    reported(
        result.map_err(|error| to_diagnostic(summary, &error)),
        diagnostics,
    )
}

/// All `items` of a list, such as "jobs of the cluster cluster-1", for a data source. One that could not be decoded is an error: what is returned without it would be taken
/// for all that there is, and a `for_each` over it would destroy what belongs to an item that exists. `advice` says how to do
/// without the list.
pub(crate) fn all_of<T>(
    items: &str,
    listed: Listed<T>,
    advice: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<T>, Diagnostic> {
    warn_of_missing(items, listed.missing, diagnostics);
    if !listed.unreadable.is_empty() {
        let what = format!("The API returned {items} that are not as it documents them");
        let ids = shown_ids(&listed.unreadable);
        let detail = format!("{what}: {ids}. A result without them would be incomplete. {advice}");
        return Err(diagnostic::general(UNREADABLE, detail));
    }
    Ok(listed.items)
}

/// Warns of listed items that could not be decoded, and of those that the list counts and does not contain: what was found
/// is not the whole then.
pub(crate) fn warn_if_incomplete(
    items: &str,
    unreadable: &[String],
    missing: u64,
    diagnostics: &mut Diagnostics,
) {
    warn_of_missing(items, missing, diagnostics);
    if !unreadable.is_empty() {
        let ids = shown_ids(unreadable);
        diagnostics.add_warning(diagnostic::general(
            UNREADABLE,
            format!(
                "The API returned {items} that are not as it documents them, and that are left out here: {ids}."
            ),
        ));
    }
}

fn warn_of_missing(items: &str, missing: u64, diagnostics: &mut Diagnostics) {
    if missing > 0 {
        diagnostics.add_warning(diagnostic::general(
            "Incomplete list",
            format!(
                "The API counts {missing} more {items} than its pages contained. They are missing here."
            ),
        ));
    }
}

/// The IDs of items that could not be decoded.
fn shown_ids(ids: &[String]) -> String {
    const MAX_LISTED: usize = 10;
    let shown = |id: &String| match id.as_str() {
        "" => "one without an ID".to_owned(),
        id => id.to_owned(),
    };
    let listed: Vec<_> = ids.iter().take(MAX_LISTED).map(shown).collect();
    let more = match ids.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", listed.join(", "))
}

/// The text of an argument that is known once Terraform reads: empty where it is not set.
pub(crate) fn text(value: &Value<String>) -> &str {
    value.as_deref_option().unwrap_or_default()
}

/// Whether a name matches `name_regex`, which matches everything when it is not set.
pub(crate) fn name_matcher(value: &Value<String>) -> impl Fn(&str) -> bool + use<> {
    // Validation has rejected what is not an expression.
    let regex = value
        .as_deref_option()
        .and_then(|text| Regex::new(text).ok());
    move |name| regex.as_ref().is_none_or(|regex| regex.is_match(name))
}
