//! RPC signature 1.0: HMAC-SHA1 over the sorted parameters.
//!
//! Source: Alibaba Cloud's page "Request syntax and signature method V2 for RPC APIs", checked against the official
//! Python SDKs (`tests/cases/signature-vectors.json`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use sha1::Sha1;

use super::{form_encode, percent_encode};

/// The parameters of every signed call, whatever the operation.
pub struct CommonParameters<'a> {
    /// `Action`
    pub operation: &'a str,
    /// `Version`, of the API
    pub version: &'a str,
    /// `SignatureNonce`, unique for each request
    pub nonce: &'a str,
    /// `Timestamp`, in UTC and whole seconds
    pub timestamp: &'a str,
    /// `RegionId`
    pub region: Option<&'a str>,
    /// `AccessKeyId`
    pub access_key_id: &'a str,
    /// `SecurityToken`, of temporary credentials
    pub security_token: Option<&'a str>,
}

/// Returns the query of a POST: the common parameters, and the signature of these and of `form`, the operation's own
/// parameters, which are sent in the body.
pub fn signed_query<'a>(
    common: &CommonParameters<'a>,
    form: impl IntoIterator<Item = (&'a str, &'a str)>,
    access_key_secret: &str,
) -> String {
    let mut query = vec![
        ("AccessKeyId", common.access_key_id),
        ("Action", common.operation),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", common.nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", common.timestamp),
        ("Version", common.version),
    ];
    query.extend(common.region.map(|region| ("RegionId", region)));
    query.extend(common.security_token.map(|token| ("SecurityToken", token)));
    let canonicalized = canonicalized_query(query.iter().copied().chain(form));
    let signature = signature(&string_to_sign("POST", &canonicalized), access_key_secret);
    format!(
        "{}&Signature={}",
        form_encode(query),
        percent_encode(&signature)
    )
}

/// Returns the parameters sorted by name and joined as `name=value` with `&`, both sides percent-encoded.
///
/// `parameters` contains all query *and* form parameters except `Signature`, also those with empty values.
pub fn canonicalized_query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut parameters: Vec<_> = parameters.into_iter().collect();
    parameters.sort_unstable();
    let pairs: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect();
    pairs.join("&")
}

/// Returns the string to sign: method (uppercase), path `/` and canonicalized query, the latter encoded once more.
pub fn string_to_sign(method: &str, canonicalized_query: &str) -> String {
    format!(
        "{method}&{}&{}",
        percent_encode("/"),
        percent_encode(canonicalized_query)
    )
}

/// Returns the value of the parameter `Signature`: the Base64 of the HMAC-SHA1 of `string_to_sign`, keyed with the access
/// key secret and an `&`.
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    let key = Zeroizing::new(format!("{access_key_secret}&"));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC is defined for keys of any length"));
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_vector_of_the_official_sdks_passes_at_each_step() {
        let vectors = include_str!("../../../../tests/cases/signature-vectors.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let vectors = vectors["rpc_v1"].as_array().unwrap();
        assert!(vectors.len() >= 10, "the fixture lost its vectors");
        for vector in vectors {
            let (id, inputs) = (&vector["id"], &vector["inputs"]);
            let [query, form] = ["query", "form"].map(|part| inputs[part].as_object().unwrap());
            let parameters = query.iter().chain(form);
            let parameters = parameters.map(|(name, value)| (&**name, value.as_str().unwrap()));
            let canonicalized = canonicalized_query(parameters);
            assert_eq!(canonicalized, vector["canonicalized_query_string"], "{id}");
            let text = string_to_sign(inputs["method"].as_str().unwrap(), &canonicalized);
            assert_eq!(text, vector["string_to_sign"], "{id}");
            let secret = inputs["access_key_secret"].as_str().unwrap();
            assert_eq!(format!("{secret}&"), vector["signing_key"], "{id}");
            assert_eq!(signature(&text, secret), vector["signature"], "{id}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_parameters_does_not_matter(
            parameters: BTreeMap<String, String>,
            seed: usize,
        ) {
            let mut shuffled: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let middle = seed.checked_rem(shuffled.len()).unwrap_or(0);
            shuffled.rotate_left(middle);
            let sorted = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            prop_assert_eq!(canonicalized_query(shuffled), canonicalized_query(sorted));
        }

        #[test]
        fn no_input_panics(method: String, parameters: Vec<(String, String)>, secret: String) {
            let pairs = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let text = string_to_sign(&method, &canonicalized_query(pairs));
            prop_assert_eq!(signature(&text, &secret).len(), 28);
        }
    }
}
