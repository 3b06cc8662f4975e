use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, de};

use super::{Diagnostic, EncodedValue};

/// The attributes of an object that are unknown, or hold an unknown value at any depth, by name.
///
/// Fails where the object cannot be encoded.
pub fn unknown_attributes(object: &impl Serialize) -> Result<Vec<String>, Diagnostic> {
    let attributes: BTreeMap<String, HoldsUnknown> = EncodedValue::encode(object)?.decode()?;
    let unknown = attributes.into_iter().filter(|(_, holds)| holds.0);
    Ok(unknown.map(|(name, _)| name).collect())
}

/// Whether an encoded value is or holds an unknown one.
struct HoldsUnknown(bool);

impl<'de> Deserialize<'de> for HoldsUnknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk).map(Self)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of Terraform")
    }

    /// An extension type: what stands for an unknown value.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer
            .deserialize_any(de::IgnoredAny)
            .map(|_ignored| true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut holds = false;
        while let Some(HoldsUnknown(item)) = items.next_element()? {
            holds |= item;
        }
        Ok(holds)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut holds = false;
        while let Some((_, HoldsUnknown(member))) =
            members.next_entry::<de::IgnoredAny, HoldsUnknown>()?
        {
            holds |= member;
        }
        Ok(holds)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }
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
        assert_eq!(unknown_attributes(&object), Ok(vec![]));
        object.number = Value::Unknown;
        object.block = Value::Value(vec![Value::Value(Inner {
            text: Value::Unknown,
        })]);
        assert_eq!(
            unknown_attributes(&object),
            Ok(vec!["block".to_owned(), "number".to_owned()])
        );
        object.block = Value::Value(vec![Value::Unknown]);
        object.text = Value::Unknown;
        assert_eq!(
            unknown_attributes(&object),
            Ok(vec![
                "block".to_owned(),
                "number".to_owned(),
                "text".to_owned()
            ])
        );
    }
}
