//! The parameters of a call: those of the query and those of the form body together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use url::form_urlencoded;

use super::errors::ApiError;

/// Names and values, decoded, in the byte order of the names. Empty values count for signatures only.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    repeated: Option<String>,
    is_cut: bool,
}

/// So many parameters are read. The longest documented call has fewer than twenty.
pub(super) const MAX_PARAMETERS: usize = 200;

impl Parameters {
    /// Decodes query and form. Of a name that comes twice the first value is kept and the name noted.
    pub(super) fn decode(query: &str, form: &[u8]) -> Self {
        let mut parameters = Self::default();
        let mut pairs =
            form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form));
        for (name, value) in pairs.by_ref().take(MAX_PARAMETERS) {
            parameters.add(&name, &value);
        }
        parameters.is_cut = pairs.next().is_some();
        parameters
    }

    /// Adds what came by another way than query and form.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        match self.values.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(value.to_owned());
            }
            Entry::Occupied(taken) => self.repeated = Some(taken.key().clone()),
        }
    }

    /// Whether there were more than [`MAX_PARAMETERS`].
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// A name that was given twice, if any.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }

    /// Every name and value in the byte order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value, if there is one and it is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The value, or 400 `MissingParameter`.
    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.get(name)
            .map(str::to_owned)
            .ok_or_else(|| ApiError::missing_parameter(name))
    }

    /// As [`Self::get`], owned.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// All of them for the record of calls, where tokens are masked.
    pub(super) fn record(&self) -> BTreeMap<String, String> {
        let mut record = self.values.clone();
        for secret in ["SecurityToken", "OIDCToken"] {
            if let Some(token) = record.get_mut(secret) {
                "***".clone_into(token);
            }
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_make_one_set_of_decoded_values() {
        let parameters = Parameters::decode("b=2%2B&empty=", b"a=1+%E4%B8%AD");
        let all: Vec<_> = parameters.iter().collect();
        assert_eq!(all, [("a", "1 \u{4e2d}"), ("b", "2+"), ("empty", "")]);
        assert_eq!(parameters.get("empty"), None);
        assert_eq!(parameters.repeated(), None);
    }

    #[test]
    fn no_more_than_so_many_are_read() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            names.join("=&")
        };
        let at_most = Parameters::decode(&names(MAX_PARAMETERS), b"");
        assert!(!at_most.is_cut());
        let more = Parameters::decode(&names(MAX_PARAMETERS), b"a=1&b=2");
        assert!(more.is_cut());
        assert_eq!(more.iter().count(), MAX_PARAMETERS);
    }

    #[test]
    fn a_name_in_both_places_is_noticed() {
        let parameters = Parameters::decode("a=1", b"a=2");
        assert_eq!(parameters.repeated(), Some("a"));
    }
}
