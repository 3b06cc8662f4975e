//! Signature V3 (`ACS3-HMAC-SHA256`) as the server computes it, with arithmetic of its own: see `rpc_v1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::rpc_v1::encode;
use crate::errors::ApiError;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Headers that stand in for common parameters of the RPC style.
const COMMON: [(&str, &str); 5] = [
    ("x-acs-action", "Action"),
    ("x-acs-version", "Version"),
    ("x-acs-date", "Timestamp"),
    ("x-acs-signature-nonce", "SignatureNonce"),
    ("x-acs-security-token", "SecurityToken"),
];

/// What a call that is signed with V3 says of itself, and what the server makes of it.
#[derive(Debug)]
pub(crate) struct Acs3 {
    credential: String,
    signature: String,
    common: Vec<(&'static str, String)>,
    /// What must have been signed; the first fault of form where there is one.
    canonical_request: Result<String, &'static str>,
}

impl Acs3 {
    /// Reads a call. None if it is not signed in this way.
    pub(crate) fn read(head: &Parts, body: &[u8]) -> Option<Self> {
        let authorization = text(&head.headers, header::AUTHORIZATION.as_str())?;
        let fields = authorization.strip_prefix("ACS3-")?;
        let (_, fields) = fields.split_once(' ').unwrap_or_default();
        let fields: BTreeMap<&str, &str> = fields
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .collect();
        let field = |name| fields.get(name).copied().unwrap_or_default();

        let mut common: Vec<(&str, String)> = COMMON
            .into_iter()
            .filter_map(|(header, name)| Some((name, text(&head.headers, header)?.to_owned())))
            .collect();
        let (method, _) = authorization.split_once(' ').unwrap_or_default();
        common.extend([
            ("AccessKeyId", field("Credential").to_owned()),
            ("Signature", field("Signature").to_owned()),
            ("SignatureMethod", method.to_owned()),
            ("SignatureVersion", "3.0".to_owned()),
            // What an answer looks like is asked for by `accept` here, and JSON is the default.
            ("Format", "JSON".to_owned()),
        ]);
        Some(Self {
            credential: field("Credential").to_owned(),
            signature: field("Signature").to_owned(),
            canonical_request: canonical_request(head, body, field("SignedHeaders")),
            common,
        })
    }

    /// The common parameters of the RPC style that the headers stand in for.
    pub(crate) fn common(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.common
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether the holder of `secret` signed just this. Compares in constant time.
    pub(super) fn check(&self, secret: &str) -> Result<(), ApiError> {
        let incomplete = |message: &str| ApiError::new(400, "IncompleteSignature", message);
        if self.credential.is_empty() || self.signature.is_empty() {
            return Err(incomplete("The header Authorization is not complete."));
        }
        let request = self.canonical_request.as_ref().map_err(|m| incomplete(m))?;
        let text = format!("{ALGORITHM}\n{}", hash(request.as_bytes()));
        let valid = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(text.as_bytes());
            bytes(&self.signature).is_some_and(|given| mac.verify_slice(&given).is_ok())
        });
        if valid {
            Ok(())
        } else {
            let message = format!(
                "Specified signature is not matched with our calculation. server string to sign is:{text}, \
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
    if let Some(_missing) = head
        .headers
        .keys()
        .find(|name| must_be_signed(name.as_str()) && !names.contains(&name.as_str()))
    {
        return Err("host, content-type and every x-acs- header must be signed.");
    }
    let hash = hash(body);
    if text(&head.headers, "x-acs-content-sha256") != Some(hash.as_str()) {
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
        let value = text(&head.headers, name).ok_or("A signed header is missing.")?;
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

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn hash(body: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(body) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads lower-case hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
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
    fn every_vector_of_the_official_client_is_understood() {
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
    fn a_change_of_body_secret_or_signature_is_noticed() {
        for vector in vectors() {
            let (body, secret) = (&vector.inputs.body, &vector.inputs.access_key_secret);
            let refused = arriving(&vector, &format!("{body}x")).check(secret);
            assert_eq!(refused.unwrap_err().code, "IncompleteSignature");
            let mut call = arriving(&vector, body);
            let refused = call.check("another");
            assert_eq!(refused.unwrap_err().code, "SignatureDoesNotMatch");
            for wrong in ["00", "0", "xyz", &call.signature.to_uppercase()] {
                wrong.clone_into(&mut call.signature);
                assert!(call.check(secret).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn a_header_that_is_not_signed_is_noticed() {
        let mut vector = vectors().remove(0);
        let extra = ("x-acs-extra".to_owned(), "1".to_owned());
        vector.inputs.headers.extend([extra]);
        let refused = arriving(&vector, "").check(&vector.inputs.access_key_secret);
        assert_eq!(refused.unwrap_err().code, "IncompleteSignature");
    }
}
