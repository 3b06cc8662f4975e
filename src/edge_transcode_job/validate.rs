use super::model::{JobModel, RUNNING, STOPPED};
use crate::shared::check::{self, Problem, Rule, shown};
use crate::stream::url as stream_url;
use alicloud_live::{StreamUrl, redact_auth_keys};
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostics, diagnostic};

/// The longest name. The Chinese page counts English characters, the English one just characters.
const MAX_NAME_CHARS: usize = 255;

const NAME: Rule = Rule("Invalid job name", name_problem);
const STREAM_URL: Rule = Rule("Invalid stream URL", url_problem);
const STATUS: Rule = Rule("Invalid status", status_problem);

/// Checks a configuration: one error at most for each attribute. Unknown values pass. Values of URLs are never shown,
/// because they can contain tokens.
pub(super) fn validate(config: &JobModel, diagnostics: &mut Diagnostics) {
    let rules = [
        ("cluster_id", &config.cluster_id, check::CLUSTER_ID),
        ("name", &config.name, NAME),
        ("template_id", &config.template_id, check::TEMPLATE_ID),
        ("stream_input", &config.stream_input, STREAM_URL),
        ("stream_output", &config.stream_output, STREAM_URL),
        ("status", &config.status, STATUS),
    ];
    check::all(rules, diagnostics);
    check_that_streams_differ(config, diagnostics);
    warn_of_other_schemes(config, diagnostics);
    check_timeouts(config, diagnostics);
}

/// A name for a message, as far as it can be one: what was mistyped can only be seen in the whole, and the API may return
/// anything.
pub(super) fn shown_name(name: &str) -> String {
    let name: String = redact_auth_keys(name)
        .chars()
        .take(MAX_NAME_CHARS)
        .collect();
    format!("{name:?}")
}

fn name_problem(text: &str) -> Problem {
    const RULE: &str =
        "A job's name has 1 to 255 Chinese characters, letters, digits, hyphens and underscores";
    if text.is_empty() {
        return Some(format!("It is empty. {RULE}.").into());
    }
    let length = text.chars().count();
    if length > MAX_NAME_CHARS {
        return Some(format!("It has {length} characters. {RULE}.").into());
    }
    let wrong = text.chars().find(|c| !is_name_character(*c))?;
    Some(format!("It contains the character {wrong:?}. {RULE}.").into())
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_') || is_chinese(character)
}

/// Han characters: the blocks that Unicode names CJK (Unified and Compatibility) Ideographs, and the number zero.
fn is_chinese(character: char) -> bool {
    matches!(character,
        '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

fn status_problem(text: &str) -> Problem {
    (!matches!(text, RUNNING | STOPPED)).then(|| {
        format!(
            "Expected {RUNNING} or {STOPPED} (or not set, to leave the run state alone); got {}.",
            shown(text)
        )
        .into()
    })
}

fn url_problem(text: &str) -> Problem {
    stream_url::problem(text).map(Into::into)
}

fn check_that_streams_differ(config: &JobModel, diagnostics: &mut Diagnostics) {
    let Value::Value(input) = &config.stream_input else {
        return;
    };
    // Whatever their keys.
    let input_stream = StreamUrl::from(input.as_str()).stream_key();
    if !input.is_empty() && config.stream() == Some(input_stream) {
        diagnostics.add_error(diagnostic::at(
            AttributePath::new("stream_output"),
            "Output stream is the input stream",
            "A job cannot write the stream that it reads: stream_output must differ from stream_input.",
        ));
    }
}

fn warn_of_other_schemes(config: &JobModel, diagnostics: &mut Diagnostics) {
    // In the validation of a block with for_each, names are unknown.
    let job = match &config.name {
        Value::Value(name) => format!(" of the job {name:?}"),
        Value::Null | Value::Unknown => String::new(),
    };
    for (attribute, value) in config.urls() {
        if let Value::Value(text) = value
            && url_problem(text).is_none()
            && let Some((scheme, _)) = text.split_once(':')
            && !scheme.eq_ignore_ascii_case("rtmp")
        {
            diagnostics.add_warning(diagnostic::at(
                AttributePath::new(attribute),
                "Unusual stream protocol",
                format!(
                    "The {attribute}{job} has the scheme {scheme}. All examples in the API reference use rtmp, and no page \
                     says which others the service accepts."
                ),
            ));
        }
    }
}

fn check_timeouts(config: &JobModel, diagnostics: &mut Diagnostics) {
    let Value::Value(timeouts) = &config.timeouts else {
        return;
    };
    let all = [
        ("create", &timeouts.create),
        ("read", &timeouts.read),
        ("update", &timeouts.update),
        ("delete", &timeouts.delete),
    ];
    for (operation, value) in all {
        let path = AttributePath::new("timeouts").attribute(operation);
        check::DURATION.check(path, value, diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_may_have_255_characters_of_any_width() {
        assert_eq!(name_problem(&"直".repeat(255)), None);
        assert!(name_problem(&"直".repeat(256)).is_some());
    }

    proptest! {
        #[test]
        fn names_of_allowed_characters_pass(name in "[a-zA-Z0-9_\u{4E00}-\u{9FFF}-]{1,255}") {
            prop_assert_eq!(name_problem(&name), None);
        }
    }
}
