//! Terraform's values, and the encodings in which core and provider exchange them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tfplugin::EncodedValue;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Unknown,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

pub(crate) type Object = BTreeMap<String, Value>;

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The attribute of an object; null where there is none.
    pub(crate) fn get(&self, name: &str) -> &Self {
        match self {
            Self::Object(object) => object.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// The attribute as a text; empty where it is none.
    pub(crate) fn str(&self, name: &str) -> &str {
        match self.get(name) {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Object(object) => object.values().all(Self::is_wholly_known),
            _ => true,
        }
    }

    /// As the protocol carries it.
    pub(crate) fn encode(&self) -> EncodedValue {
        EncodedValue::MessagePack(rmp_serde::to_vec_named(self).unwrap())
    }

    /// As it stands in a state file.
    pub(crate) fn to_json(&self) -> EncodedValue {
        EncodedValue::Json(serde_json::to_vec(self).unwrap())
    }

    pub(crate) fn decode(encoded: &EncodedValue) -> Result<Self, String> {
        match encoded {
            encoded if encoded.is_null() => Ok(Self::Null),
            EncodedValue::MessagePack(bytes) => {
                rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
            }
            EncodedValue::Json(bytes) => {
                serde_json::from_slice(bytes).map_err(|error| error.to_string())
            }
        }
    }
}

/// The payload of an unknown value.
struct NoBytes;

impl Serialize for NoBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[0])
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Unknown => serializer
                .serialize_newtype_struct(rmp_serde::MSGPACK_EXT_STRUCT_NAME, &(0_i8, NoBytes)),
            Self::Bool(value) => value.serialize(serializer),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::List(value) => value.serialize(serializer),
            Self::Object(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of Terraform's")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Number).map_err(E::custom)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, ext: D) -> Result<Value, D::Error> {
        IgnoredAny::deserialize(ext).map(|_| Value::Unknown)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = entries.next_entry()? {
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[test]
fn values_survive_the_wire() {
    let object = Object::from([
        ("a".to_owned(), Value::Unknown),
        ("b".to_owned(), Value::text("x")),
        ("c".to_owned(), Value::Null),
        ("d".to_owned(), Value::List(vec![Value::Bool(true)])),
    ]);
    let value = Value::Object(object);
    assert_eq!(Value::decode(&value.encode()), Ok(value));
}
