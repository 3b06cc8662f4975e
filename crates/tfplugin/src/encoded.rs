use serde::{Deserialize, Serialize};

use super::{AttributePath, AttributePathStep, Diagnostic, diagnostic};

/// `MessagePack`'s nil: Terraform's null.
pub(super) const NIL: &[u8] = &[0xc0];

/// A value in the encoding in which Terraform core sends or stores it (protocol message `DynamicValue`, and the raw
/// JSON of a state file).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodedValue {
    /// `MessagePack`: every value of the protocol itself. Unknown values are extension types.
    MessagePack(Vec<u8>),
    /// JSON: an object as it stands in a state file.
    Json(Vec<u8>),
}

impl EncodedValue {
    /// Terraform's null: an object that does not exist.
    pub fn null() -> Self {
        Self::MessagePack(NIL.to_vec())
    }

    /// Whether this is null (an empty encoding counts as null: core leaves values out that way).
    pub fn is_null(&self) -> bool {
        match self {
            Self::MessagePack(bytes) => bytes.is_empty() || bytes == NIL,
            Self::Json(bytes) => bytes.is_empty() || bytes == b"null",
        }
    }

    /// Reads the value as a `T`.
    ///
    /// The error is a diagnostic at the attribute that could not be read. It names the mismatch and never the
    /// value.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Diagnostic> {
        match self {
            Self::MessagePack(bytes) => {
                let bytes = if bytes.is_empty() { NIL } else { bytes };
                let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
                serde_path_to_error::deserialize(&mut decoder)
                    .map_err(|error| decode_error(attribute_path(error.path())))
            }
            Self::Json(bytes) => {
                let bytes = if bytes.is_empty() {
                    b"null"
                } else {
                    bytes.as_slice()
                };
                let mut decoder = serde_json::Deserializer::from_slice(bytes);
                let value = serde_path_to_error::deserialize(&mut decoder)
                    .map_err(|error| decode_error(attribute_path(error.path())))?;
                decoder
                    .end()
                    .map_err(|_| decode_error(AttributePath::root()))?;
                Ok(value)
            }
        }
    }

    /// Writes a value in the protocol's encoding.
    pub fn encode<T: Serialize>(value: &T) -> Result<Self, Diagnostic> {
        rmp_serde::to_vec_named(value)
            .map(Self::MessagePack)
            .map_err(|error| {
                diagnostic::general(
                    "Value cannot be encoded",
                    format!("This is a bug in the provider, please report it: {error}."),
                )
            })
    }
}

/// The decoder's own message may quote the value, which may be secret: only the attribute is named.
fn decode_error(path: AttributePath) -> Diagnostic {
    let subject = if path.steps.is_empty() {
        "an object".to_owned()
    } else {
        format!("{path} with a value")
    };
    diagnostic::at(
        path,
        "Value of unexpected type",
        format!(
            "Terraform sent {subject} that does not have the type which the provider's schema gives it. If the state was \
             written by another version of the provider, use that version or import the object again; otherwise this is \
             a bug in the provider, please report it."
        ),
    )
}

fn attribute_path(path: &serde_path_to_error::Path) -> AttributePath {
    use serde_path_to_error::Segment;
    let steps = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(AttributePathStep::Attribute(key.clone().into())),
        Segment::Seq { index } => i64::try_from(*index).ok().map(AttributePathStep::Index),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    AttributePath {
        steps: steps.collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tf_provider::value::{Value, ValueString};

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
    #[serde(default)]
    struct Object<'a> {
        name: ValueString<'a>,
        size: Value<i64>,
    }

    #[test]
    fn null_known_and_unknown_survive_the_round_trip() {
        for name in [Value::Null, Value::Unknown, Value::from("a")] {
            let object = Object {
                name,
                size: Value::Value(7),
            };
            let encoded = EncodedValue::encode(&object).unwrap();
            assert_eq!(encoded.decode::<Object>().unwrap(), object);
        }
    }

    #[test]
    fn refined_unknowns_are_unknown_and_a_state_file_may_lack_attributes_and_hold_foreign_ones() {
        // {"name": ext 12 of one byte, "size": ext 0 of one byte}: Terraform 1.6 and later refine unknown values.
        let refined = b"\x82\xa4name\xd4\x0c\x80\xa4size\xd4\x00\x00".to_vec();
        let foreign = br#"{"name": "a", "gone": true}"#.to_vec();
        for (encoded, name, size) in [
            (
                EncodedValue::MessagePack(refined),
                Value::Unknown,
                Value::Unknown,
            ),
            (EncodedValue::Json(foreign), Value::from("a"), Value::Null),
        ] {
            assert_eq!(encoded.decode::<Object>().unwrap(), Object { name, size });
        }
    }

    #[test]
    fn a_wrong_type_is_reported_at_its_attribute_without_the_value() {
        let error = EncodedValue::Json(br#"{"size": "hunter2"}"#.to_vec())
            .decode::<Object>()
            .unwrap_err();
        assert_eq!(error.attribute, AttributePath::new("size"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn what_follows_a_value_is_reported_without_it() {
        for state in [r#"{"size": 1}{"size": 2}"#, r#"{"size": 1} hunter2"#] {
            let encoded = EncodedValue::Json(state.as_bytes().to_vec());
            let error = encoded.decode::<Object>().unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn nothing_and_nil_are_null() {
        assert!(EncodedValue::null().is_null());
        assert!(EncodedValue::MessagePack(Vec::new()).is_null());
        assert!(EncodedValue::Json(b"null".to_vec()).is_null());
        let nothing = EncodedValue::Json(Vec::new());
        assert_eq!(nothing.decode::<Value<Object>>().unwrap(), Value::Null);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
            let _ = EncodedValue::MessagePack(bytes.clone()).decode::<Object>();
            let _ = EncodedValue::Json(bytes).decode::<Object>();
        }
    }
}
