//! Verifies RPC signature 1.0.
//!
//! It shares no code with the client that signs, so that the two cannot agree on a mistake. Both are tested with the same
//! vectors, which official SDKs computed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::parameters::Parameters;

/// Returns the string to sign: method, encoded path `/`, and the encoded canonical query.
pub(super) fn string_to_sign(method: &str, parameters: &Parameters) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{method}&%2F&{}", encode(&pairs.join("&")))
}

/// Reports whether `signature` (Base64) is the HMAC-SHA1 of `text` with the key `secret` and `&`. Compares in constant
/// time.
pub(super) fn is_signature_of(signature: &str, text: &str, secret: &str) -> bool {
    let (Ok(bytes), Ok(mut mac)) = (
        BASE64_STANDARD.decode(signature),
        Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()),
    ) else {
        return false;
    };
    mac.update(text.as_bytes());
    mac.verify_slice(&bytes).is_ok()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, in upper case.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use url::form_urlencoded::Serializer;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        rpc_v1: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        id: String,
        inputs: Inputs,
        string_to_sign: String,
        signature: String,
    }

    #[derive(Deserialize)]
    struct Inputs {
        method: String,
        access_key_secret: String,
        query: BTreeMap<String, String>,
        form: BTreeMap<String, String>,
    }

    fn vectors() -> Vec<Vector> {
        let text = include_str!("../../../../tests/cases/signature-vectors.json");
        serde_json::from_str::<Vectors>(text).unwrap().rpc_v1
    }

    /// The parameters as they arrive: encoded, and with the signature among them.
    fn arriving(vector: &Vector) -> Parameters {
        let query = Serializer::new(String::new())
            .extend_pairs(&vector.inputs.query)
            .append_pair("Signature", &vector.signature)
            .finish();
        let form = Serializer::new(String::new())
            .extend_pairs(&vector.inputs.form)
            .finish();
        Parameters::decode(&query, form.as_bytes())
    }

    #[test]
    fn every_rpc_vector_of_the_official_clients_is_accepted() {
        let vectors = vectors();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let text = string_to_sign(&vector.inputs.method, &arriving(&vector));
            assert_eq!(text, vector.string_to_sign, "{}", vector.id);
            let secret = &vector.inputs.access_key_secret;
            assert!(
                is_signature_of(&vector.signature, &text, secret),
                "{}",
                vector.id
            );
        }
    }

    #[test]
    fn a_change_of_string_secret_or_signature_is_detected() {
        for vector in vectors() {
            let (text, secret, signature) = (
                &vector.string_to_sign,
                &vector.inputs.access_key_secret,
                &vector.signature,
            );
            assert!(
                !is_signature_of(signature, &format!("{text} "), secret),
                "{}",
                vector.id
            );
            assert!(
                !is_signature_of(signature, text, &format!("{secret}x")),
                "{}",
                vector.id
            );
            assert!(
                !is_signature_of(&signature.to_lowercase(), text, secret),
                "{}",
                vector.id
            );
            assert!(
                !is_signature_of(&signature[..20], text, secret),
                "{}",
                vector.id
            );
            assert!(!is_signature_of("", text, secret), "{}", vector.id);
        }
    }
}
