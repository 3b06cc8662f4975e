//! The parameters of a call, from the query and the form body.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use url::form_urlencoded;

use super::errors::ApiError;
use super::redaction::MASK;

/// Decoded names and values in the byte order of the names. Empty values matter for signatures only.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    /// A name that was sent twice, if any.
    pub(super) repeated: Option<String>,
    /// Whether more than [`MAX_PARAMETERS`] were sent.
    pub(super) has_too_many: bool,
}

/// How many parameters are read. The longest documented call has fewer than twenty.
pub(super) const MAX_PARAMETERS: usize = 200;

impl Parameters {
    /// Decodes query and form. For a name that is sent twice, keeps the first value and remembers the name.
    pub(super) fn decode(query: &str, form: &[u8]) -> Self {
        let mut parameters = Self::default();
        let mut pairs =
            form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form));
        for (name, value) in pairs.by_ref().take(MAX_PARAMETERS) {
            parameters.add(&name, &value);
        }
        parameters.has_too_many = pairs.next().is_some();
        parameters
    }

    /// Adds a parameter, such as one of the headers of signature V3.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        match self.values.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(value.to_owned());
            }
            Entry::Occupied(taken) => self.repeated = Some(taken.key().clone()),
        }
    }

    /// Returns every name and value in the byte order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value, unless it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns the value, or 400 `MissingParameter`.
    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.get(name)
            .map(str::to_owned)
            .ok_or_else(|| ApiError::missing_parameter(name))
    }

    /// Returns the same as [`Self::get`], owned.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Returns all parameters for the call log, with tokens masked.
    pub(super) fn masked(&self) -> BTreeMap<String, String> {
        let mut values = self.values.clone();
        for secret in ["SecurityToken", "OIDCToken"] {
            if let Some(token) = values.get_mut(secret) {
                MASK.clone_into(token);
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_are_decoded_into_one_set() {
        let parameters = Parameters::decode("b=2%2B&empty=", b"a=1+%E4%B8%AD");
        let all: Vec<_> = parameters.iter().collect();
        assert_eq!(all, [("a", "1 \u{4e2d}"), ("b", "2+"), ("empty", "")]);
        assert_eq!(parameters.get("empty"), None);
        assert_eq!(parameters.repeated, None);
    }

    #[test]
    fn parameters_beyond_the_limit_are_not_read() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            names.join("=&")
        };
        let at_most = Parameters::decode(&names(MAX_PARAMETERS), b"");
        assert!(!at_most.has_too_many);
        let more = Parameters::decode(&names(MAX_PARAMETERS), b"a=1&b=2");
        assert!(more.has_too_many);
        assert_eq!(more.iter().count(), MAX_PARAMETERS);
    }

    #[test]
    fn a_name_in_query_and_form_is_a_repetition() {
        let parameters = Parameters::decode("a=1", b"a=2");
        assert_eq!(parameters.repeated.as_deref(), Some("a"));
    }
}
