//! Signature V3, `ACS3-HMAC-SHA256`: HMAC-SHA256 over method, path, query, headers and a hash of the body.
//!
//! Source: Alibaba Cloud's page "Request syntax and signature method V3", checked against the official Python SDK
//! (`tests/cases/signature-vectors.json`).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::percent_encode;

/// The name of the algorithm, in the header `Authorization` and in the string to sign.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Returns the value of the header `x-acs-content-sha256`: the lowercase hexadecimal SHA-256 of the body, which may be
/// empty.
pub fn hashed_payload(body: &[u8]) -> String {
    hexadecimal(&Sha256::digest(body))
}

/// Returns the names of the signed headers, in lowercase, sorted and joined with `;`.
pub fn signed_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let names: Vec<String> = sorted_headers(headers)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.join(";")
}

/// Returns the canonical request, whose hash is signed.
///
/// `query` contains the decoded query parameters; one without a value becomes `name=`. `headers` contains all headers to
/// sign: `host`, `content-type` if there is a body, and every `x-acs-` header.
pub fn canonical_request<'a>(
    method: &str,
    path: &str,
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
    headers: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    hashed_payload: &str,
) -> String {
    let mut parameters: Vec<_> = query
        .into_iter()
        .map(|(name, value)| (percent_encode(name), percent_encode(value)))
        .collect();
    parameters.sort_unstable();
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let lines: Vec<_> = sorted_headers(headers.clone())
        .into_iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    // Each header's line ends in a newline, so a blank line follows the last one.
    format!(
        "{method}\n{path}\n{}\n{}\n\n{}\n{hashed_payload}",
        parameters.join("&"),
        lines.join("\n"),
        signed_headers(headers)
    )
}

/// Returns the string to sign.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!(
        "{ALGORITHM}\n{}",
        hashed_payload(canonical_request.as_bytes())
    )
}

/// Returns the lowercase hexadecimal HMAC-SHA256 of `string_to_sign`, keyed with the access key secret itself.
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(access_key_secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC is defined for keys of any length"));
    mac.update(string_to_sign.as_bytes());
    hexadecimal(&mac.finalize().into_bytes())
}

/// Returns the value of the header `Authorization`.
pub fn authorization(access_key_id: &str, signed_headers: &str, signature: &str) -> String {
    format!(
        "{ALGORITHM} Credential={access_key_id},SignedHeaders={signed_headers},Signature={signature}"
    )
}

fn sorted_headers<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<(String, &'a str)> {
    let mut headers: Vec<_> = headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    headers.sort_unstable();
    headers
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn pairs(object: &Value) -> impl Iterator<Item = (&str, &str)> + Clone {
        let object = object.as_object().unwrap().iter();
        object.map(|(name, value)| (&**name, value.as_str().unwrap()))
    }

    #[test]
    fn every_vector_of_the_official_sdk_passes_at_each_step() {
        let vectors = include_str!("../../../../tests/cases/signature-vectors.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let vectors = vectors["acs3_v3"].as_array().unwrap();
        assert!(vectors.len() >= 8, "the fixture lost its vectors");
        for vector in vectors {
            let (id, inputs) = (&vector["id"], &vector["inputs"]);
            let input = |name| inputs[name].as_str().unwrap();
            let hash = hashed_payload(input("body").as_bytes());
            assert_eq!(hash, vector["hashed_request_payload"], "{id}");
            let (query, headers) = (pairs(&inputs["query"]), pairs(&inputs["headers"]));
            let names = signed_headers(headers.clone());
            assert_eq!(names, vector["signed_headers"], "{id}");
            let request = canonical_request(input("method"), input("path"), query, headers, &hash);
            assert_eq!(request, vector["canonical_request"], "{id}");
            let text = string_to_sign(&request);
            assert_eq!(text, vector["string_to_sign"], "{id}");
            let signed = signature(&text, input("access_key_secret"));
            assert_eq!(signed, vector["signature"], "{id}");
            let header = authorization(input("access_key_id"), &names, &signed);
            assert_eq!(header, vector["authorization"], "{id}");
        }
    }

    proptest! {
        #[test]
        fn neither_order_nor_case_of_header_names_matters(value in "[!-~]{0,20}", first: bool) {
            let (a, b) = (("X-Acs-Date", "d"), ("host", value.as_str()));
            let given = if first { [a, b] } else { [b, a] };
            let request = canonical_request("POST", "/", [], given, "");
            let expected = canonical_request("POST", "/", [], [("host", value.as_str()), ("x-acs-date", "d")], "");
            prop_assert_eq!(request, expected);
        }

        #[test]
        fn no_input_panics(method: String, query: Vec<(String, String)>, headers: Vec<(String, String)>, secret: String) {
            let query = query.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let headers = headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let text = string_to_sign(&canonical_request(&method, "/", query, headers, ""));
            prop_assert_eq!(signature(&text, &secret).len(), 64);
        }
    }
}
