use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::redact::printable;

/// IDs are UUIDs; what is longer is no ID, and is shown up to here.
const MAX_ID_CHARS: usize = 100;

/// What a list has elements of.
pub(super) trait Element: DeserializeOwned {
    /// The field with its ID.
    const ID: &'static str;
}

/// The elements of a list, each decoded by itself: one that is odd must not hide the others.
pub(super) struct Elements<T> {
    pub(super) decoded: Vec<T>,
    /// IDs of those that could not be decoded; empty where there is no ID either.
    pub(super) unreadable: Vec<String>,
}

impl<T> Default for Elements<T> {
    fn default() -> Self {
        Self {
            decoded: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl<'de, T: Element> Deserialize<'de> for Elements<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Vec::<Box<RawValue>>::deserialize(deserializer)?;
        let mut elements = Self::default();
        for element in raw {
            match serde_json::from_str(element.get()) {
                Ok(decoded) => elements.decoded.push(decoded),
                Err(_) => elements.unreadable.push(id::<T>(&element)),
            }
        }
        Ok(elements)
    }
}

/// A number, or its digits as a string: the API documents counts as integers, and statuses as the one in requests and the
/// other in responses.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Number(u64),
        Digits(String),
    }
    match Wire::deserialize(deserializer)? {
        Wire::Number(number) => Ok(number),
        Wire::Digits(digits) => digits.parse().map_err(serde::de::Error::custom),
    }
}

fn id<T: Element>(element: &RawValue) -> String {
    let fields: serde_json::Value = serde_json::from_str(element.get()).unwrap_or_default();
    let id = fields[T::ID].as_str().unwrap_or_default();
    printable(id, MAX_ID_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Job;

    #[test]
    fn a_count_may_be_written_as_a_string() {
        let read = |json: &str| count(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!((read("7"), read(r#""7""#)), (Some(7), Some(7)));
        for odd in ["-1", "1.5", "null", r#""""#, r#""-1""#, r#""many""#, "[]"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_odd_element_hides_no_other_and_keeps_its_id() {
        let good = r#"{"JobId": "good", "Name": "n", "Status": "0", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f"}"#;
        for (odd, id) in [
            (
                good.replace("good", "odd")
                    .replace(r#""rtmp://d/e/f""#, "null"),
                "odd",
            ),
            (r#"{"JobId": "odd"}"#.to_owned(), "odd"),
            (r#"{"JobId": "o\u001bd"}"#.to_owned(), "o d"),
            (r#"{"JobId": 7}"#.to_owned(), ""),
            ("null".to_owned(), ""),
            ("[]".to_owned(), ""),
            ("7e999".to_owned(), ""),
        ] {
            let list = format!("[{good}, {odd}, {good}]");
            let elements: Elements<Job> = serde_json::from_str(&list).unwrap();
            assert_eq!(elements.decoded.len(), 2, "{odd}");
            assert_eq!(elements.unreadable, [id], "{odd}");
        }
    }
}
