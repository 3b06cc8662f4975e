use crate::generated::tfplugin6::{DynamicValue, RawState, ResourceIdentityData};
use crate::{Diagnostics, EncodedValue, diagnostic};

/// A value; one that is left out is null.
pub(crate) fn value(value: Option<DynamicValue>) -> EncodedValue {
    match value {
        Some(DynamicValue { msgpack, .. }) if !msgpack.is_empty() => {
            EncodedValue::MessagePack(msgpack)
        }
        Some(DynamicValue { json, .. }) if !json.is_empty() => EncodedValue::Json(json),
        _ => EncodedValue::null(),
    }
}

/// An object's identity, if there is one. Core before 1.12 knows none.
pub(crate) fn identity(identity: Option<ResourceIdentityData>) -> Option<EncodedValue> {
    let identity = value(identity?.identity_data);
    (!identity.is_null()).then_some(identity)
}

/// An object as it stands in a state file. `None` comes with an error.
pub(crate) fn state(
    state: Option<RawState>,
    diagnostics: &mut Diagnostics,
) -> Option<EncodedValue> {
    match state {
        Some(RawState { json, flatmap }) if json.is_empty() && !flatmap.is_empty() => {
            diagnostics.add_error(diagnostic::general(
                "State is too old",
                "The state was written by Terraform 0.11 or older. Apply it once with Terraform 0.12 to 0.13, \
                 which bring it up to date.",
            ));
            None
        }
        Some(RawState { json, .. }) => Some(EncodedValue::Json(json)),
        None => Some(EncodedValue::null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_encoding_and_none_is_null() {
        let wire = |msgpack: &[u8], json: &[u8]| {
            value(Some(DynamicValue {
                msgpack: msgpack.to_vec(),
                json: json.to_vec(),
            }))
        };
        let message_pack = EncodedValue::MessagePack(b"\xc3".to_vec());
        assert_eq!(wire(b"\xc3", b""), message_pack);
        assert_eq!(wire(b"", b"true"), EncodedValue::Json(b"true".to_vec()));
        assert!(wire(b"", b"").is_null());
        assert!(value(None).is_null());
    }

    #[test]
    fn a_state_of_flat_strings_is_rejected() {
        let old = RawState {
            json: Vec::new(),
            flatmap: [("id".to_owned(), "1".to_owned())].into(),
        };
        let mut diagnostics = Diagnostics::default();
        assert_eq!(state(Some(old), &mut diagnostics), None);
        assert_eq!(diagnostics.errors[0].summary, "State is too old");
    }
}
