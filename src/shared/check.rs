//! Checking arguments, each against one rule. A value that is null or not known yet passes.

use std::borrow::Cow;

use regex_lite::Regex;

use crate::edge_transcode_job::id::{cluster_id_problem, id_problem};
use alicloud_live::redact_auth_keys;
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostics, diagnostic};

/// The longest value that a message quotes. Keys and tokens are longer, and so are stream URLs, which can contain them.
const MAX_QUOTED_CHARS: usize = 20;

/// A value for a message, never with an `auth_key`: quoted if it is short, otherwise described, because it may be secret.
pub(crate) fn shown(text: &str) -> String {
    let length = text.chars().count();
    if length <= MAX_QUOTED_CHARS {
        format!("{:?}", redact_auth_keys(text))
    } else {
        format!("a text of {length} characters")
    }
}

/// Adds an error at `attribute` if its value breaks a rule. `problem` says what is wrong and which rule it breaks, or
/// nothing.
pub(crate) fn check<P: Into<Cow<'static, str>>>(
    diagnostics: &mut Diagnostics,
    attribute: &'static str,
    value: &Value<String>,
    summary: &'static str,
    problem: impl FnOnce(&str) -> Option<P>,
) {
    if let Value::Value(text) = value
        && let Some(problem) = problem(text)
    {
        diagnostics.add_error(diagnostic::at(
            AttributePath::new(attribute),
            summary,
            problem,
        ));
    }
}

pub(crate) fn check_cluster_id(diagnostics: &mut Diagnostics, value: &Value<String>) {
    check(
        diagnostics,
        "cluster_id",
        value,
        "Invalid cluster ID",
        cluster_id_problem,
    );
}

pub(crate) fn check_job_id(diagnostics: &mut Diagnostics, value: &Value<String>) {
    check(diagnostics, "job_id", value, "Invalid job ID", id_problem);
}

pub(crate) fn check_template_id(diagnostics: &mut Diagnostics, value: &Value<String>) {
    check(
        diagnostics,
        "template_id",
        value,
        "Invalid template ID",
        id_problem,
    );
}

/// An argument that is one of a few words.
pub(crate) fn check_choice(
    diagnostics: &mut Diagnostics,
    attribute: &'static str,
    value: &Value<String>,
    choices: &[&str],
) {
    check(diagnostics, attribute, value, "Invalid choice", |text| {
        (!choices.contains(&text)).then(|| {
            format!(
                "It must be one of {}, not {}.",
                choices.join(", "),
                shown(text)
            )
        })
    });
}

/// A string to filter by.
pub(crate) fn check_not_empty(
    diagnostics: &mut Diagnostics,
    attribute: &'static str,
    value: &Value<String>,
) {
    check(
        diagnostics,
        attribute,
        value,
        "Empty filter value",
        |text| {
            text.is_empty()
                .then_some("It is empty. Omit the argument to return all.")
        },
    );
}

/// The rule of `name_regex`.
pub(crate) fn check_regex(diagnostics: &mut Diagnostics, value: &Value<String>) {
    check(
        diagnostics,
        "name_regex",
        value,
        "Invalid regular expression",
        |text| {
            Regex::new(text)
                .err()
                .map(|error| format!("In {}: {error}.", shown(text)))
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_value_is_quoted_without_its_key() {
        assert_eq!(shown("camera-1"), r#""camera-1""#);
        assert_eq!(shown("s?auth_key=1-0-0-c0f"), r#""s?auth_key=***""#);
        assert_eq!(shown(&"a".repeat(21)), "a text of 21 characters");
    }
}
