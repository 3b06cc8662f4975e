//! The process environment as a value, so that tests need not change the real one.
//!
//! A variable is absent, valid or invalid. An invalid one is an error that names it: if it were treated as absent, the
//! provider would silently use another identity or endpoint.

mod certificates;
mod host;
mod proxy;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub use certificates::RootCertificates;
pub use host::{has_valid_host, is_loopback};
pub use proxy::Proxies;

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Environment variables by name. An empty value counts as not set, as in the official provider.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
}

/// A variable that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value, without surrounding whitespace.
    pub value: String,
}

/// External input that is present and wrong. `Display` names its origin and never quotes the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin} {problem}")]
pub struct InvalidInput {
    /// A variable, an argument, or a field of a file.
    pub origin: String,
    /// What is wrong with it: the rest of a sentence that begins with the origin.
    pub problem: String,
}

impl InvalidInput {
    /// Returns an error whose sentence has the subject `origin` and the predicate `problem`.
    pub fn new(origin: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            problem: problem.into(),
        }
    }
}

impl From<InvalidInput> for String {
    fn from(input: InvalidInput) -> Self {
        input.to_string()
    }
}

impl Environment {
    /// Returns the variables of this process.
    pub fn from_env() -> Self {
        Self {
            lookup: Arc::new(|name| std::env::var_os(name)),
        }
    }

    /// Returns the first of these variables that is set. An error if it is not UTF-8 or contains a control character.
    pub fn first(&self, names: &[&'static str]) -> Result<Option<Variable>, InvalidInput> {
        for &name in names {
            let Some(value) = (self.lookup)(name) else {
                continue;
            };
            let value = value
                .into_string()
                .map_err(|_| InvalidInput::new(name, "is not UTF-8 text"))?;
            let value = value.trim();
            if value.chars().any(char::is_control) {
                let problem = "contains a line break or another control character";
                return Err(InvalidInput::new(name, problem));
            }
            if !value.is_empty() {
                let value = value.to_owned();
                return Ok(Some(Variable { name, value }));
            }
        }
        Ok(None)
    }

    /// Returns the value of the first of these variables that is set. The same errors as [`Self::first`].
    pub fn text(&self, names: &[&'static str]) -> Result<Option<String>, InvalidInput> {
        Ok(self.first(names)?.map(|variable| variable.value))
    }

    /// Whether a variable is set to `true` or `1`. An error for other values than these, `false` and `0`.
    pub fn is_on(&self, name: &'static str) -> Result<bool, InvalidInput> {
        let value = self.text(&[name])?.unwrap_or_default();
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(InvalidInput::new(name, "is neither true nor false")),
        }
    }

    /// Returns the path in the first of these variables that is set. Paths need not be UTF-8.
    pub fn path(&self, names: &[&'static str]) -> Option<PathBuf> {
        names
            .iter()
            .find_map(|name| (self.lookup)(name).filter(|value| !value.is_empty()))
            .map(PathBuf::from)
    }
}

impl Default for Environment {
    /// Returns an environment without variables.
    fn default() -> Self {
        std::iter::empty::<(String, String)>().collect()
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    /// Returns an environment of these variables alone.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables: HashMap<String, OsString> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            lookup: Arc::new(move |name| variables.get(name).cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_not_empty_wins() {
        let environment =
            Environment::from_iter([("A", ""), ("B", " \t"), ("C", " c\r\n"), ("D", "d")]);
        let found = environment
            .first(&["X", "A", "B", "C", "D"])
            .unwrap()
            .unwrap();
        assert_eq!((found.name, &*found.value), ("C", "c"));
        assert_eq!(environment.first(&["X"]).unwrap(), None);
    }

    #[test]
    fn a_switch_accepts_true_and_false_and_rejects_all_else() {
        let environment = Environment::from_iter([("A", "TRUE"), ("B", "0"), ("C", "maybe")]);
        assert!(environment.is_on("A").unwrap());
        assert!(!environment.is_on("B").unwrap());
        assert!(!environment.is_on("X").unwrap());
        let error = environment.is_on("C").unwrap_err().to_string();
        assert_eq!(error, "C is neither true nor false");
    }

    #[cfg(unix)]
    #[test]
    fn an_invalid_variable_is_an_error_and_never_falls_back_to_the_next_one() {
        use std::os::unix::ffi::OsStringExt as _;

        let environment = Environment::from_iter([
            ("A", OsString::from_vec(vec![b'k', 0xff])),
            ("B", OsString::from("two\nlines")),
            ("C", OsString::from("c")),
        ]);
        for (name, problem) in [
            ("A", "is not UTF-8 text"),
            ("B", "contains a line break or another control character"),
        ] {
            let error = environment.first(&[name, "C"]).unwrap_err();
            assert_eq!((&*error.origin, &*error.problem), (name, problem));
        }
        let path = environment.path(&["A"]).unwrap();
        assert_eq!(path.into_os_string().into_vec(), [b'k', 0xff]);
    }
}
