use secrecy::ExposeSecret as _;
use url::Url;

use super::Endpoint;
use crate::credentials::Credentials;
use crate::signing::{percent_encode, rpc_v1};

/// The API version of all operations.
const VERSION: &str = "2016-11-01";
/// Every call is a POST: the operation's own parameters travel in the body, so that stream URLs and the tokens in
/// them appear in no proxy's access log.
const METHOD: &str = "POST";

/// Parameters of one operation, by their names in the API.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// Makes signed requests. Pure: nonce and time are given.
pub(super) struct RequestBuilder {
    pub(super) endpoint: Endpoint,
    pub(super) region: String,
    pub(super) credentials: Credentials,
}

/// A request ready to be sent. Sending the same one again repeats its nonce, so the gateway runs it at most once.
#[derive(Clone)]
pub(super) struct SignedRequest {
    pub(super) action: &'static str,
    pub(super) url: Url,
    pub(super) body: String,
}

impl RequestBuilder {
    /// Adds the common parameters and the signature (RPC signature 1.0).
    pub(super) fn sign(
        &self,
        action: &'static str,
        parameters: &Parameters,
        nonce: &str,
        timestamp: &str,
    ) -> SignedRequest {
        let mut common = vec![
            ("AccessKeyId", self.credentials.access_key_id.as_str()),
            ("Action", action),
            ("Format", "JSON"),
            ("RegionId", &self.region),
            ("SignatureMethod", rpc_v1::SIGNATURE_METHOD),
            ("SignatureNonce", nonce),
            ("SignatureVersion", rpc_v1::SIGNATURE_VERSION),
            ("Timestamp", timestamp),
            ("Version", VERSION),
        ];
        if let Some(token) = &self.credentials.security_token {
            common.push(("SecurityToken", token.expose_secret()));
        }
        let own = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()));

        let canonicalized = rpc_v1::canonicalized_query(common.iter().copied().chain(own.clone()));
        let text = rpc_v1::string_to_sign(METHOD, &canonicalized);
        let signature =
            rpc_v1::signature(&text, self.credentials.access_key_secret.expose_secret());
        common.push(("Signature", &signature));

        let mut url = self.endpoint.url().clone();
        url.set_query(Some(&encode(common)));
        SignedRequest {
            action,
            url,
            body: encode(own),
        }
    }
}

fn encode<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    pairs.join("&")
}

/// A nonce that is unique for each request: 128 random bits.
pub(super) fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Protocol;

    fn builder(security_token: Option<&str>) -> RequestBuilder {
        RequestBuilder {
            endpoint: Endpoint::parse("127.0.0.1:1", Protocol::Http).unwrap(),
            region: "cn-shanghai".to_owned(),
            credentials: Credentials {
                access_key_id: "testid-public".to_owned(),
                access_key_secret: "testsecret-public".into(),
                security_token: security_token.map(Into::into),
            },
        }
    }

    #[test]
    fn stream_urls_travel_in_the_body_and_the_signature_in_the_query() {
        let parameters = vec![("StreamInput", "rtmp://a/b/c?auth_key=1".to_owned())];
        let request = builder(Some("token")).sign("CreateEdgeTranscodeJob", &parameters, "n", "t");
        assert_eq!(
            request.body,
            "StreamInput=rtmp%3A%2F%2Fa%2Fb%2Fc%3Fauth_key%3D1"
        );
        let query = request.url.query().unwrap();
        assert!(query.contains("SecurityToken=token&Signature="), "{query}");
        assert!(!request.url.as_str().contains("auth_key"));
    }

    #[test]
    fn the_same_nonce_and_time_give_the_same_bytes_and_another_nonce_other_ones() {
        let signed = |nonce| {
            let request = builder(None).sign("GetEdgeTranscodeJob", &Vec::new(), nonce, "t");
            (request.url, request.body)
        };
        assert_eq!(signed("a"), signed("a"));
        assert_ne!(signed("a"), signed("b"));
    }

    #[test]
    fn nonces_differ() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
        assert_eq!(nonce().unwrap().len(), 32);
    }
}
