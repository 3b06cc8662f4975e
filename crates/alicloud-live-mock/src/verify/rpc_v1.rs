//! Verifies RPC signature 1.0.
//!
//! It shares no code with the client that signs, so that the two cannot agree on a mistake. Both are tested with the same
//! vectors, which official SDKs computed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::errors::ApiError;
use crate::parameters::Parameters;

/// Returns the string to sign: method, encoded path `/`, and the encoded canonical query.
fn string_to_sign(method: &str, parameters: &Parameters) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{method}&%2F&{}", encode(&pairs.join("&")))
}

/// Checks that `signature` is that of the call with this secret.
pub(super) fn check(
    signature: &str,
    method: &str,
    parameters: &Parameters,
    secret: &str,
) -> Result<(), ApiError> {
    let string_to_sign = string_to_sign(method, parameters);
    if signature_of(&string_to_sign, secret).as_deref() == Some(signature) {
        return Ok(());
    }
    let message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    );
    Err(ApiError::new(400, "SignatureDoesNotMatch", message))
}

/// Returns the signature of `text`: the Base64 of the HMAC-SHA1 with the key `secret` and `&`.
///
/// It is compared with the one that was sent as text, not in constant time: anyone can set the secrets of a mock.
fn signature_of(text: &str, secret: &str) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
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
    use serde_json::Value;
    use url::form_urlencoded::Serializer;

    use super::*;
    use crate::verify::tests::vectors;

    /// The parameters as they arrive: encoded, and with the signature among them.
    fn arriving(vector: &Value) -> Parameters {
        let encoded = |parameters: &Value| {
            let pairs = parameters.as_object().unwrap().iter();
            let pairs = pairs.map(|(name, value)| (name, value.as_str().unwrap()));
            Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        let mut query = vector["inputs"]["query"].clone();
        query["Signature"] = vector["signature"].clone();
        let form = encoded(&vector["inputs"]["form"]);
        Parameters::decode(&encoded(&query), form.as_bytes())
    }

    #[test]
    fn every_rpc_vector_of_the_official_clients_is_accepted() {
        let vectors = vectors("rpc_v1");
        assert!(!vectors.is_empty());
        for vector in vectors {
            let inputs = &vector["inputs"];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (method, call) = (text(&inputs["method"]), arriving(&vector));
            let string_to_sign = string_to_sign(&method, &call);
            assert_eq!(vector["string_to_sign"], string_to_sign);
            let secret = text(&inputs["access_key_secret"]);
            let checked = check(&text(&vector["signature"]), &method, &call, &secret);
            assert_eq!(checked, Ok(()), "{}", vector["id"]);
        }
    }
}
