//! Verifies signature V3 (`ACS3-HMAC-SHA256`) with code of its own: see `rpc_v1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::header;
use axum::http::request::Parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::rpc_v1::encode;
use crate::errors::ApiError;
use crate::headers;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Headers that replace common parameters of the RPC style.
const COMMON: [(&str, &str); 5] = [
    ("x-acs-action", "Action"),
    ("x-acs-version", "Version"),
    ("x-acs-date", "Timestamp"),
    ("x-acs-signature-nonce", "SignatureNonce"),
    ("x-acs-security-token", "SecurityToken"),
];

/// What a call sends of a V3 signature, and what must have been signed.
#[derive(Debug)]
pub(crate) struct Acs3 {
    credential: String,
    signature: String,
    common: Vec<(&'static str, String)>,
    /// What must have been signed, or why the request is malformed.
    canonical_request: Result<String, &'static str>,
}

impl Acs3 {
    /// Reads a call. Returns `None` if it is not signed with V3.
    pub(crate) fn read(head: &Parts, body: &[u8]) -> Option<Self> {
        let authorization = headers::text(&head.headers, header::AUTHORIZATION)?;
        let fields = authorization.strip_prefix("ACS3-")?;
        let (_, fields) = fields.split_once(' ').unwrap_or_default();
        let fields: BTreeMap<&str, &str> = fields
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .collect();
        let field = |name| fields.get(name).copied().unwrap_or_default();

        let mut common: Vec<(&str, String)> = COMMON
            .into_iter()
            .filter_map(|(header, name)| {
                Some((name, headers::text(&head.headers, header)?.to_owned()))
            })
            .collect();
        let (method, _) = authorization.split_once(' ').unwrap_or_default();
        common.extend([
            ("AccessKeyId", field("Credential").to_owned()),
            ("Signature", field("Signature").to_owned()),
            ("SignatureMethod", method.to_owned()),
            ("SignatureVersion", "3.0".to_owned()),
            // V3 selects the format with the header `accept`, and JSON is the default.
            ("Format", "JSON".to_owned()),
        ]);
        Some(Self {
            credential: field("Credential").to_owned(),
            signature: field("Signature").to_owned(),
            canonical_request: canonical_request(head, body, field("SignedHeaders")),
            common,
        })
    }

    /// Returns the common parameters of the RPC style that the headers replace.
    pub(crate) fn common(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.common
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// Checks that the call was signed with `secret`. Compares in constant time.
    pub(super) fn check(&self, secret: &str) -> Result<(), ApiError> {
        let incomplete = |message: &str| ApiError::new(400, "IncompleteSignature", message);
        if self.credential.is_empty() || self.signature.is_empty() {
            return Err(incomplete("The header Authorization is not complete."));
        }
        let request = self.canonical_request.as_ref().map_err(|m| incomplete(m))?;
        let string_to_sign = format!("{ALGORITHM}\n{}", hex_sha256(request.as_bytes()));
        let valid = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(string_to_sign.as_bytes());
            decode_hex(&self.signature).is_some_and(|given| mac.verify_slice(&given).is_ok())
        });
        if valid {
            Ok(())
        } else {
            let message = format!(
                "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}, \
                 server canonical request is:{request}"
            );
            Err(ApiError::new(400, "SignatureDoesNotMatch", message))
        }
    }
}

fn canonical_request(
    head: &Parts,
    body: &[u8],
    signed_headers: &str,
) -> Result<String, &'static str> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    if !names.is_sorted() {
        return Err("SignedHeaders is not sorted.");
    }
    let must_be_signed = |name: &str| {
        name == "host" || name.starts_with("x-acs-") || (name == "content-type" && !body.is_empty())
    };
    if head
        .headers
        .keys()
        .any(|name| must_be_signed(name.as_str()) && !names.contains(&name.as_str()))
    {
        return Err("host, content-type and every x-acs- header must be signed.");
    }
    let hash = hex_sha256(body);
    if headers::text(&head.headers, "x-acs-content-sha256") != Some(hash.as_str()) {
        return Err("x-acs-content-sha256 is not the hash of the body.");
    }

    let query = head.uri.query().unwrap_or_default();
    let mut parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    parameters.sort_unstable();
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut lines = Vec::new();
    for name in &names {
        let value = headers::text(&head.headers, *name).ok_or("A signed header is missing.")?;
        lines.push(format!("{name}:{}", value.trim()));
    }
    let request = [
        head.method.as_str(),
        head.uri.path(),
        &parameters.join("&"),
        &lines.join("\n"),
        "",
        signed_headers,
        &hash,
    ]
    .join("\n");
    Ok(request)
}

fn hex_sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Decodes lower-case hexadecimal digits.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .bytes()
        .map(|digit| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] * 16 + pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;
    use url::form_urlencoded::Serializer;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        acs3_v3: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        id: String,
        inputs: Inputs,
        canonical_request: String,
        authorization: String,
    }

    #[derive(Deserialize)]
    struct Inputs {
        method: String,
        path: String,
        access_key_secret: String,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        body: String,
    }

    fn vectors() -> Vec<Vector> {
        let text = include_str!("../../../../tests/cases/signature-vectors.json");
        serde_json::from_str::<Vectors>(text).unwrap().acs3_v3
    }

    fn arriving(vector: &Vector, body: &str) -> Acs3 {
        let inputs = &vector.inputs;
        let query = Serializer::new(String::new())
            .extend_pairs(&inputs.query)
            .finish();
        let mut request = Request::builder()
            .method(inputs.method.as_str())
            .uri(format!("{}?{query}", inputs.path))
            .header("authorization", &vector.authorization);
        for (name, value) in &inputs.headers {
            request = request.header(name, value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Acs3::read(&head, body.as_bytes()).unwrap()
    }

    #[test]
    fn every_v3_vector_of_the_official_client_is_accepted() {
        let vectors = vectors();
        assert!(vectors.len() >= 8);
        for vector in vectors {
            let call = arriving(&vector, &vector.inputs.body);
            let text = call.canonical_request.as_ref().unwrap();
            assert_eq!(text, &vector.canonical_request, "{}", vector.id);
            let checked = call.check(&vector.inputs.access_key_secret);
            assert_eq!(checked, Ok(()), "{}", vector.id);
        }
    }

    #[test]
    fn a_change_of_body_secret_or_signature_is_detected() {
        for vector in vectors() {
            let (body, secret) = (&vector.inputs.body, &vector.inputs.access_key_secret);
            let rejected = arriving(&vector, &format!("{body}x")).check(secret);
            assert_eq!(rejected.unwrap_err().code, "IncompleteSignature");
            let mut call = arriving(&vector, body);
            let rejected = call.check("another");
            assert_eq!(rejected.unwrap_err().code, "SignatureDoesNotMatch");
            for wrong in ["00", "0", "xyz", &call.signature.to_uppercase()] {
                wrong.clone_into(&mut call.signature);
                assert!(call.check(secret).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn a_header_that_is_not_signed_is_rejected() {
        let mut vector = vectors().remove(0);
        let extra = ("x-acs-extra".to_owned(), "1".to_owned());
        vector.inputs.headers.extend([extra]);
        let rejected = arriving(&vector, "").check(&vector.inputs.access_key_secret);
        assert_eq!(rejected.unwrap_err().code, "IncompleteSignature");
    }
}
