use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Diagnostic, EncodedValue};

/// The attributes of an object that are unknown, or hold an unknown value at any depth, by name.
///
/// Fails where the object cannot be encoded.
pub fn unknown_attributes(object: &impl Serialize) -> Result<Vec<String>, Diagnostic> {
    let attributes: BTreeMap<String, Attribute> = EncodedValue::encode(object)?.decode()?;
    let unknown = attributes
        .into_iter()
        .filter(|(_, attribute)| matches!(attribute, Attribute::HoldsUnknown(_)));
    Ok(unknown.map(|(name, _)| name).collect())
}

/// An encoded value. JSON has a form for every value but the unknown ones, which are extension types of `MessagePack`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Attribute {
    Known(#[expect(dead_code, reason = "read to see that it can be")] serde_json::Value),
    HoldsUnknown(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[derive(Serialize, Default)]
    struct Inner {
        text: Value<String>,
    }

    #[derive(Serialize, Default)]
    struct Outer {
        absent: Value<String>,
        block: Value<Vec<Value<Inner>>>,
        flag: Value<bool>,
        fraction: Value<f64>,
        number: Value<i64>,
        text: Value<String>,
    }

    #[test]
    fn unknown_values_are_found_at_any_depth_and_known_ones_are_not() {
        let mut object = Outer {
            block: Value::Value(vec![Value::Value(Inner {
                text: Value::Value("a".to_owned()),
            })]),
            flag: Value::Value(true),
            fraction: Value::Value(0.5),
            number: Value::Value(-1),
            text: Value::Value("b".to_owned()),
            ..Outer::default()
        };
        let unknown = |object: &Outer| unknown_attributes(object).unwrap();
        assert_eq!(unknown(&object), [""; 0]);
        object.number = Value::Unknown;
        object.block = Value::Value(vec![Value::Value(Inner {
            text: Value::Unknown,
        })]);
        assert_eq!(unknown(&object), ["block", "number"]);
        object.block = Value::Value(vec![Value::Unknown]);
        object.text = Value::Unknown;
        assert_eq!(unknown(&object), ["block", "number", "text"]);
    }
}
