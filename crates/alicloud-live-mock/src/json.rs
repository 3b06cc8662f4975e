//! Parses JSON, and replaces values in it.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value, json};

/// Parses a text that is one JSON value. The error names the member and what was expected there.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let mut reader = Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Replaces each string in a JSON value, at every depth.
pub(super) fn map_strings(value: Value, map: &impl Fn(&str) -> String) -> Value {
    replace_values(value, "", &mut |_, value| Some(json!(map(value.as_str()?))))
}

/// Replaces values in a JSON value, at every depth. `replace` returns the replacement of a value, which is or is an item of
/// the member with the given name; none to look into the value.
pub(super) fn replace_values(
    value: Value,
    name: &str,
    replace: &mut impl FnMut(&str, &Value) -> Option<Value>,
) -> Value {
    if let Some(replacement) = replace(name, &value) {
        return replacement;
    }
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = replace_values(value, &name, replace);
                (name, value)
            })
            .collect(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| replace_values(item, name, replace))
            .collect(),
        other => other,
    }
}
