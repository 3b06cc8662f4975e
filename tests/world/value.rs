//! Terraform's values, and the encodings in which core and provider exchange them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tfplugin::EncodedValue;

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Bool(bool),
    Number(i64),
    List(Vec<Value>),
    Object(Object),
    #[default]
    Null,
    #[serde(with = "unknown")]
    Unknown,
}

pub type Object = BTreeMap<String, Value>;

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The attribute of an object; null where there is none.
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Object(object) => object.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// The attribute as a text; empty where it is none.
    pub fn str(&self, name: &str) -> &str {
        match self.get(name) {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Object(object) => object.values().all(Self::is_wholly_known),
            _ => true,
        }
    }

    /// As the protocol carries it.
    pub fn encode(&self) -> EncodedValue {
        EncodedValue::MessagePack(rmp_serde::to_vec_named(self).unwrap())
    }

    /// As it stands in a state file.
    pub fn to_json(&self) -> EncodedValue {
        EncodedValue::Json(serde_json::to_vec(self).unwrap())
    }

    pub fn decode(encoded: &EncodedValue) -> Result<Self, String> {
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

/// An unknown value: an extension type of `MessagePack`.
mod unknown {
    use serde::de::IgnoredAny;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(rename = "_ExtStruct")]
    struct Extension(#[expect(dead_code, reason = "read to see that it is one")] (i8, IgnoredAny));

    struct Payload;

    impl Serialize for Payload {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0])
        }
    }

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(rmp_serde::MSGPACK_EXT_STRUCT_NAME, &(0_i8, Payload))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        Extension::deserialize(deserializer).map(drop)
    }
}

#[test]
fn values_survive_the_wire() {
    let object = Object::from([
        ("a".to_owned(), Value::Unknown),
        ("b".to_owned(), Value::text("x")),
        ("c".to_owned(), Value::Null),
        (
            "d".to_owned(),
            Value::List(vec![Value::Bool(true), Value::Number(-7)]),
        ),
    ]);
    let value = Value::Object(object);
    assert_eq!(Value::decode(&value.encode()), Ok(value));
    let fraction = EncodedValue::encode(&0.5).unwrap();
    assert!(Value::decode(&fraction).is_err());
}
