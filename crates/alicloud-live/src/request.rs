use std::borrow::Cow;
use std::sync::Arc;

use secrecy::ExposeSecret;
use url::{Url, form_urlencoded};

use super::Endpoint;
use super::redact::Secrets;
use alicloud_auth::credentials::Credentials;
use alicloud_auth::signing::{acs3, form_encode, rpc_v1};

/// The API version of all operations.
const VERSION: &str = "2016-11-01";
/// Every call is a POST with the operation's parameters in the body, so that stream URLs and their tokens appear in no
/// access log of a proxy.
const METHOD: &str = "POST";
const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters of an operation, by name.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// The signature version of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SignVersion {
    /// RPC signature 1.0, HMAC-SHA1: signs the parameters; the signature is a parameter.
    #[default]
    V1,
    /// ACS3-HMAC-SHA256: signs headers and a hash of the body; the signature is a header.
    V3,
}

/// Builds signed requests, as a pure function of credentials, nonce and time.
pub(super) struct RequestBuilder {
    pub(super) endpoint: Endpoint,
    pub(super) region: Option<String>,
    pub(super) sign_version: SignVersion,
}

/// A request that is ready to be sent. Sent twice, it has the same nonce, so the gateway runs it at most once.
#[derive(Clone)]
pub(super) struct SignedRequest {
    pub(super) operation: &'static str,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// The credentials that signed it.
    pub(super) credentials: Arc<Credentials>,
    pub(super) nonce: String,
}

impl SignedRequest {
    /// Returns what nothing that is shown of its response may contain: the secret key, the token, and stream URLs, of which
    /// any part can be a stream key.
    pub(super) fn secrets(&self) -> Secrets {
        let token = self.credentials.security_token.as_ref();
        let keys = std::iter::once(&self.credentials.access_key_secret).chain(token);
        let keys = keys.map(|key| Cow::Borrowed(key.expose_secret()));
        let urls = form_urlencoded::parse(self.body.as_bytes())
            .filter(|(name, _)| matches!(&**name, "StreamInput" | "StreamOutput"))
            .map(|(_, url)| url);
        Secrets::new(keys.chain(urls))
    }
}

impl RequestBuilder {
    /// Adds the common parameters and the signature.
    pub(super) fn sign(
        &self,
        operation: &'static str,
        parameters: &Parameters,
        credentials: Arc<Credentials>,
        nonce: &str,
        timestamp: &str,
    ) -> SignedRequest {
        let mut request = SignedRequest {
            operation,
            url: self.endpoint.url().clone(),
            headers: vec![("content-type", FORM.to_owned())],
            body: form_encode(as_pairs(parameters)),
            credentials,
            nonce: nonce.to_owned(),
        };
        match self.sign_version {
            SignVersion::V1 => self.sign_v1(&mut request, parameters, nonce, timestamp),
            SignVersion::V3 => self.sign_v3(&mut request, nonce, timestamp),
        }
        request
    }

    fn sign_v1(
        &self,
        request: &mut SignedRequest,
        parameters: &Parameters,
        nonce: &str,
        timestamp: &str,
    ) {
        let credentials = &request.credentials;
        let token = credentials.security_token.as_ref();
        let common = rpc_v1::CommonParameters {
            operation: request.operation,
            version: VERSION,
            nonce,
            timestamp,
            region: self.region.as_deref(),
            access_key_id: &credentials.access_key_id,
            security_token: token.map(ExposeSecret::expose_secret),
        };
        let secret = credentials.access_key_secret.expose_secret();
        let query = rpc_v1::signed_query(&common, as_pairs(parameters), secret);
        request.url.set_query(Some(&query));
    }

    fn sign_v3(&self, request: &mut SignedRequest, nonce: &str, timestamp: &str) {
        let credentials = &request.credentials;
        let region = self.region.as_deref();
        let query = region.map(|region| ("RegionId", region));
        let hash = acs3::hashed_payload(request.body.as_bytes());
        request.headers.extend([
            ("x-acs-action", request.operation.to_owned()),
            ("x-acs-content-sha256", hash.clone()),
            ("x-acs-date", timestamp.to_owned()),
            ("x-acs-signature-nonce", nonce.to_owned()),
            ("x-acs-version", VERSION.to_owned()),
        ]);
        if let Some(token) = &credentials.security_token {
            let token = token.expose_secret().to_owned();
            request.headers.push(("x-acs-security-token", token));
        }

        let host = self.endpoint.host_header();
        let sent = request
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let signed = std::iter::once(("host", host.as_str())).chain(sent);
        let canonical = acs3::canonical_request(METHOD, "/", query, signed.clone(), &hash);
        let signature = acs3::signature(
            &acs3::string_to_sign(&canonical),
            credentials.access_key_secret.expose_secret(),
        );
        let authorization = acs3::authorization(
            &credentials.access_key_id,
            &acs3::signed_headers(signed),
            &signature,
        );
        request.headers.push(("authorization", authorization));
        request.url.set_query(Some(&form_encode(query)));
    }
}

fn as_pairs(parameters: &Parameters) -> impl Iterator<Item = (&str, &str)> {
    parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    fn signed(sign_version: SignVersion, parameters: &Parameters, nonce: &str) -> SignedRequest {
        let builder = RequestBuilder {
            endpoint: Endpoint::parse("127.0.0.1:1", Protocol::Http).unwrap(),
            region: Some("cn-shanghai".to_owned()),
            sign_version,
        };
        let credentials = Credentials {
            security_token: Some("token".into()),
            ..Credentials::new("testid-public", "testsecret-public")
        };
        let operation = "GetEdgeTranscodeJob";
        builder.sign(operation, parameters, Arc::new(credentials), nonce, "t")
    }

    #[test]
    fn stream_urls_are_sent_in_the_body_with_any_signature() {
        let parameters = vec![("StreamInput", "rtmp://a/b/c?auth_key=1".to_owned())];
        for version in [SignVersion::V1, SignVersion::V3] {
            let request = signed(version, &parameters, "n");
            let body = "StreamInput=rtmp%3A%2F%2Fa%2Fb%2Fc%3Fauth_key%3D1";
            assert_eq!(request.body, body);
            assert!(!request.url.as_str().contains("auth_key"));
        }
    }

    #[test]
    fn version_1_signs_in_the_query_and_version_3_in_headers() {
        let query = |request: &SignedRequest| request.url.query().unwrap().to_owned();
        let request = signed(SignVersion::V1, &Vec::new(), "n");
        assert!(query(&request).contains("SecurityToken=token&Signature="));
        assert_eq!(request.headers.len(), 1);

        let request = signed(SignVersion::V3, &Vec::new(), "n");
        assert_eq!(query(&request), "RegionId=cn-shanghai");
        let (_, authorization) = request.headers.last().unwrap();
        let names = "SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;\
                     x-acs-security-token;x-acs-signature-nonce;x-acs-version,";
        assert!(authorization.contains(names), "{authorization}");
    }

    #[test]
    fn only_another_nonce_or_time_changes_the_bytes() {
        for version in [SignVersion::V1, SignVersion::V3] {
            let bytes = |nonce| {
                let request = signed(version, &Vec::new(), nonce);
                (request.url, request.headers, request.body)
            };
            assert_eq!(bytes("a"), bytes("a"));
            assert_ne!(bytes("a"), bytes("b"));
        }
    }
}
