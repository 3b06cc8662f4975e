//! Checking one argument against one rule.

use std::borrow::Cow;

use crate::terraform::value::Value;
use crate::terraform::{AttributePath, Diagnostics, diagnostic};

/// Adds an error at `attribute` if its value breaks a rule. `problem` says what is wrong and which rule it breaks, or
/// nothing. A value that is null or not known yet passes.
pub(super) fn check<P: Into<Cow<'static, str>>>(
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
