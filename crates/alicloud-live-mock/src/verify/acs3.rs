//! Verifies signature V3 (`ACS3-HMAC-SHA256`) with code of its own: see `rpc_v1`.

use std::collections::BTreeMap;

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
    common: Vec<(&'static str, String)>,
    /// What must have been signed, or why the request is malformed.
    canonical_request: Result<String, &'static str>,
}

impl Acs3 {
    /// Reads a call. Returns `None` if it is not signed with V3.
    pub(crate) fn read(head: &Parts, body: &[u8]) -> Option<Self> {
        let authorization = headers::text(&head.headers, header::AUTHORIZATION)?;
        if !authorization.starts_with("ACS3-") {
            return None;
        }
        let (method, fields) = authorization.split_once(' ').unwrap_or_default();
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
        common.extend([
            ("AccessKeyId", field("Credential").to_owned()),
            ("Signature", field("Signature").to_owned()),
            ("SignatureMethod", method.to_owned()),
            ("SignatureVersion", "3.0".to_owned()),
            // V3 selects the format with the header `accept`, and JSON is the default.
            ("Format", "JSON".to_owned()),
        ]);
        Some(Self {
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

    /// Checks that `signature` is that of the call with this secret.
    pub(super) fn check(&self, signature: &str, secret: &str) -> Result<(), ApiError> {
        let request = match &self.canonical_request {
            Ok(request) => request,
            Err(message) => return Err(ApiError::new(400, "IncompleteSignature", *message)),
        };
        let string_to_sign = format!("{ALGORITHM}\n{}", hex_sha256(request.as_bytes()));
        if signature_of(&string_to_sign, secret).as_deref() == Some(signature) {
            return Ok(());
        }
        let message = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}, \
             server canonical request is:{request}"
        );
        Err(ApiError::new(400, "SignatureDoesNotMatch", message))
    }
}

/// Returns the signature of `text`. See `rpc_v1` for the comparison.
fn signature_of(text: &str, secret: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(hex(&mac.finalize().into_bytes()))
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
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let append = |text: String, byte: &u8| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), append)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde_json::Value;
    use url::form_urlencoded::Serializer;

    use super::*;
    use crate::verify::tests::vectors;

    fn text(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    fn texts(members: &Value) -> impl Iterator<Item = (&str, &str)> {
        let members = members.as_object().unwrap().iter();
        members.map(|(name, value)| (name.as_str(), text(value)))
    }

    fn arriving(vector: &Value, body: &str) -> Acs3 {
        let inputs = &vector["inputs"];
        let query = Serializer::new(String::new())
            .extend_pairs(texts(&inputs["query"]))
            .finish();
        let mut request = Request::builder()
            .method(text(&inputs["method"]))
            .uri(format!("{}?{query}", text(&inputs["path"])))
            .header("authorization", text(&vector["authorization"]));
        for (name, value) in texts(&inputs["headers"]) {
            request = request.header(name, value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Acs3::read(&head, body.as_bytes()).unwrap()
    }

    /// Checks a call with this body and secret.
    fn check(vector: &Value, body: &str, secret: &str) -> Result<(), ApiError> {
        let call = arriving(vector, body);
        let mut signature = call.common().filter(|(name, _)| *name == "Signature");
        call.check(signature.next().unwrap().1, secret)
    }

    fn code(result: Result<(), ApiError>) -> String {
        result.unwrap_err().code
    }

    #[test]
    fn every_v3_vector_of_the_official_client_is_accepted() {
        let vectors = vectors("acs3_v3");
        assert!(vectors.len() >= 8);
        for vector in vectors {
            let (inputs, id) = (&vector["inputs"], &vector["id"]);
            let (body, secret) = (text(&inputs["body"]), text(&inputs["access_key_secret"]));
            let request = arriving(&vector, body).canonical_request.unwrap();
            assert_eq!(vector["canonical_request"], request, "{id}");
            assert_eq!(check(&vector, body, secret), Ok(()), "{id}");
        }
    }

    #[test]
    fn a_change_of_body_secret_or_signature_is_detected() {
        for mut vector in vectors("acs3_v3") {
            let inputs = vector["inputs"].clone();
            let (body, secret) = (text(&inputs["body"]), text(&inputs["access_key_secret"]));
            let longer = check(&vector, &format!("{body}x"), secret);
            assert_eq!(code(longer), "IncompleteSignature");
            let other_secret = check(&vector, body, "another");
            assert_eq!(code(other_secret), "SignatureDoesNotMatch");
            let authorization = text(&vector["authorization"]);
            let (before, signature) = authorization.split_once("Signature=").unwrap();
            let upper = signature.to_uppercase();
            for wrong in
                ["00", "0", "xyz", &upper].map(|wrong| format!("{before}Signature={wrong}"))
            {
                vector["authorization"] = wrong.into();
                assert_eq!(code(check(&vector, body, secret)), "SignatureDoesNotMatch");
            }
        }
    }

    #[test]
    fn a_header_that_is_not_signed_is_rejected() {
        let mut vector = vectors("acs3_v3").remove(0);
        vector["inputs"]["headers"]["x-acs-extra"] = "1".into();
        let secret = vector["inputs"]["access_key_secret"].clone();
        let rejected = check(&vector, "", text(&secret));
        assert_eq!(code(rejected), "IncompleteSignature");
    }
}
