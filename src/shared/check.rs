//! Checking arguments, each against one rule. A value that is null or not known yet passes.

use std::borrow::Cow;

use regex_lite::Regex;

use super::duration;
use super::job_identity::{cluster_id_problem, id_problem, job_id_problem};
use alicloud_live::redact_auth_keys;
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostics, diagnostic};

/// The longest value that a message quotes. Keys and tokens are longer, and so are stream URLs, which can contain them.
const MAX_QUOTED_CHARS: usize = 20;

/// A value for a message, never with an `auth_key`: quoted if it is short, otherwise described, because it may be secret.
pub(crate) fn shown(text: &str) -> String {
    if text.chars().count() <= MAX_QUOTED_CHARS {
        format!("{:?}", redact_auth_keys(text))
    } else {
        described(text)
    }
}

/// A value that a message must not quote.
pub(crate) fn described(text: &str) -> String {
    format!("a string of {} characters", text.chars().count())
}

/// The longest ID that a message shows. IDs of jobs are UUIDs of 36 characters, and their cluster's may stand before them.
const MAX_ID_CHARS: usize = 80;

/// The value for an ID of a job or a cluster, whole if it can be one. Not for arguments that may be a key or a token, which
/// can consist of the same characters.
pub(crate) fn shown_id(text: &str) -> String {
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte);
    if text.len() <= MAX_ID_CHARS && text.bytes().all(is_id_byte) {
        format!("{text:?}")
    } else {
        shown(text)
    }
}

/// What is wrong with a text, and which rule it breaks; `None` where nothing is.
pub(crate) type Problem = Option<Cow<'static, str>>;

/// A rule for a text: the summary of the error about one that breaks it, and what that one says.
#[derive(Clone, Copy)]
pub(crate) struct Rule(pub(crate) &'static str, pub(crate) fn(&str) -> Problem);

pub(crate) const CLUSTER_ID: Rule = Rule("Invalid cluster ID", |text| {
    cluster_id_problem(text).map(Cow::from)
});
pub(crate) const JOB_ID: Rule = Rule("Invalid job ID", |text| job_id_problem(text).map(Cow::from));
pub(crate) const TEMPLATE_ID: Rule = Rule("Invalid template ID", |text| {
    id_problem(text).map(Cow::from)
});
pub(crate) const DURATION: Rule = Rule("Invalid duration", |text| {
    duration::parse(text).is_none().then(|| {
        format!(
            "Expected a duration: a number with a unit (h, m, s), or several, such as 30s or 1h30m, above 0 and at most a \
             year (8760h); got {}.",
            shown(text)
        )
        .into()
    })
});
/// A text to filter by.
pub(crate) const FILTER: Rule = Rule("Empty filter value", |text| {
    text.is_empty()
        .then_some("It is empty. Omit the argument to return all.".into())
});
pub(crate) const REGEX: Rule = Rule("Invalid regular expression", |text| {
    let error = Regex::new(text).err()?;
    Some(format!("In {}: {error}.", shown(text)).into())
});
/// The types of templates, and so of jobs, that the API documents.
pub(crate) const TYPE: Rule = Rule("Invalid choice", |text| {
    none_of(&["common", "nbhd-2", "ultra-hd"], text)
});

/// What is wrong with a text that is none of a few words.
pub(crate) fn none_of(choices: &[&str], text: &str) -> Problem {
    (!choices.contains(&text)).then(|| {
        let choices = choices.join(", ");
        format!("Expected one of {choices}; got {}.", shown(text)).into()
    })
}

impl Rule {
    /// Adds an error at `path` if the value there breaks the rule.
    pub(crate) fn check(
        self,
        path: AttributePath,
        value: &Value<String>,
        diagnostics: &mut Diagnostics,
    ) {
        let Self(summary, problem) = self;
        if let Value::Value(text) = value
            && let Some(problem) = problem(text)
        {
            diagnostics.add_error(diagnostic::at(path, summary, problem));
        }
    }
}

/// Checks attributes, each against its rule.
pub(crate) fn all<'a>(
    rules: impl IntoIterator<Item = (&'static str, &'a Value<String>, Rule)>,
    diagnostics: &mut Diagnostics,
) {
    for (attribute, value, rule) in rules {
        rule.check(AttributePath::new(attribute), value, diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_value_is_quoted_without_its_key() {
        assert_eq!(shown("camera-1"), r#""camera-1""#);
        assert_eq!(shown("s?auth_key=1-0-0-c0f"), r#""s?auth_key=***""#);
        assert_eq!(shown(&"a".repeat(21)), "a string of 21 characters");
    }

    #[test]
    fn an_id_is_shown_whole_and_a_url_is_not() {
        for id in [
            "",
            "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7",
            "cn_1.a",
        ] {
            assert_eq!(shown_id(id), format!("{id:?}"));
        }
        let (long, url) = ("a".repeat(81), "rtmp://h/app/s?auth_key=1-0-0-c0ffee");
        assert_eq!(shown_id(&long), "a string of 81 characters");
        assert_eq!(shown_id(url), "a string of 36 characters");
        assert_eq!(shown_id("s?auth_key=c0ffee"), r#""s?auth_key=***""#);
    }

    #[test]
    fn a_duration_that_is_too_long_is_rejected_with_the_bound() {
        let Rule(_, problem) = DURATION;
        assert_eq!(problem("8760h"), None);
        for (text, bound) in [("8761h", "at most a year"), ("0s", "above 0")] {
            assert!(problem(text).is_some_and(|problem| problem.contains(bound)));
        }
    }
}
