//! Diagnostics as users see them.
//!
//! The constructors of [`tf_provider`] append a backtrace whenever `RUST_BACKTRACE` is set. A user who sets that
//! variable for another tool would read our stack frames under every message, so the lint configuration bans them
//! and all diagnostics are made here.

use std::borrow::Cow;

use super::{AttributePath, Diagnostic, Diagnostics};

/// A diagnostic about the attribute or block at `path`: Terraform quotes the line of configuration beside it.
///
/// `summary` is a few words on what is wrong, `detail` the cause and the next step.
pub fn at(
    path: AttributePath,
    summary: impl Into<Cow<'static, str>>,
    detail: impl Into<Cow<'static, str>>,
) -> Diagnostic {
    Diagnostic {
        summary: summary.into(),
        detail: detail.into(),
        attribute: path,
    }
}

/// A diagnostic about the object as a whole.
pub fn general(
    summary: impl Into<Cow<'static, str>>,
    detail: impl Into<Cow<'static, str>>,
) -> Diagnostic {
    at(AttributePath::root(), summary, detail)
}

/// The value; an error goes to the diagnostics.
pub fn reported<T>(result: Result<T, Diagnostic>, diagnostics: &mut Diagnostics) -> Option<T> {
    result.map_err(|error| diagnostics.add_error(error)).ok()
}
