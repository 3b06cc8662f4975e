//! Recording: calls are forwarded to a real endpoint, and each request with its response becomes a line of a file that tests
//! replay, so that users with an account can show where the mock is wrong.
//!
//! The file contains no secrets: credentials, signatures, messages and details of errors are omitted, and names, hosts and
//! paths of streams become placeholders, the same for the same value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use url::{Position, Url};

use super::errors::ApiError;
use super::headers;
use super::json::replace_values;
use super::parameters::Parameters;
use super::redaction::{MASK, masked_query};

/// Where calls are forwarded to and recorded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The real endpoint, such as `https://live.aliyuncs.com`.
    #[serde(deserialize_with = "url")]
    pub upstream: Url,
    /// The file that requests and responses are appended to.
    pub file: PathBuf,
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    parse_upstream(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Parses the endpoint that calls are forwarded to: `http://` or `https://` with a host.
///
/// # Errors
///
/// The text has another form. The message says what was expected.
pub fn parse_upstream(text: &str) -> Result<Url, String> {
    // `live.aliyuncs.com:443` is a URL too, with the scheme `live.aliyuncs.com`. One with these schemes has a host.
    let url = Url::parse(text).ok();
    url.filter(|url| ["http", "https"].contains(&url.scheme()))
        .ok_or_else(|| format!("expected a URL such as https://live.aliyuncs.com, not `{text}`"))
}

const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest response that is forwarded. A page of a list has about 50 KiB.
const MAX_RESPONSE_BYTES: usize = 8 << 20;
/// The parameters of every call and its signature, which are not recorded.
const COMMON: [&str; 10] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];
/// Members of responses whose text may contain anything about the account.
const FREE_TEXT: [&str; 4] = ["Message", "Recommend", "AccessDeniedDetail", "HostId"];
/// Parameters and members of other services, such as STS: credentials and identities.
const CREDENTIALS_AND_IDENTITIES: [&str; 13] = [
    "AccessKeyId",
    "AccessKeySecret",
    "AccountId",
    "Arn",
    "AssumedRoleId",
    "ExternalId",
    "OIDCProviderArn",
    "OIDCToken",
    "PrincipalId",
    "RoleArn",
    "RoleSessionName",
    "SecurityToken",
    "UserId",
];

const STREAMS: [&str; 2] = ["StreamInput", "StreamOutput"];
const NAMES: [&str; 3] = ["Name", "TemplateName", "Keyword"];
/// Parameters whose values are parts of the paths of stream URLs.
const PATHS: [&str; 2] = ["AppName", "StreamName"];
const MAX_NAME_CHARS: usize = 255;

/// Forwards calls and records them.
pub(super) struct Recorder {
    upstream: Url,
    http: reqwest::Client,
    file: Mutex<(File, Placeholders)>,
}

impl Recorder {
    /// Opens the file. Fails if it cannot be opened, or TLS is not available.
    pub(super) fn new(recording: &Recording) -> io::Result<Self> {
        // It fails if a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if recording.upstream.scheme() == "http" {
            // Another mock on this machine, which needs neither certificates nor a proxy.
            http = http.tls_certs_only([]).no_proxy();
        }
        let http = http.build().map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&recording.file).map_err(|error| {
            let file = recording.file.display();
            io::Error::new(error.kind(), format!("cannot record to {file}: {error}"))
        })?;
        Ok(Self {
            upstream: recording.upstream.clone(),
            http,
            file: Mutex::new((file, Placeholders::default())),
        })
    }

    /// Forwards the call unchanged and records it. Returns the response.
    pub(super) async fn forward(&self, head: &Parts, body: Vec<u8>) -> Result<Response, ApiError> {
        let is_v3 = head.headers.contains_key(header::AUTHORIZATION);
        let host = &self.upstream[Position::BeforeHost..Position::AfterPort];
        if is_v3 && headers::host(&head.headers) != host {
            let message = format!(
                "Signature version 3 includes the host. To record such calls, send them to http://{host} with this mock as \
                 the HTTP proxy."
            );
            return Err(ApiError::new(400, "InvalidSignatureMethod", message));
        }
        let query = head.uri.query().unwrap_or_default();
        let call = ForwardedCall {
            signature_version: if is_v3 { "v3" } else { "v1" },
            action: headers::text(&head.headers, "x-acs-action").filter(|_| is_v3),
            parameters: Parameters::decode(query, &body),
        };
        let mut url = self.upstream.clone();
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let mut request = self.http.request(head.method.clone(), url).body(body);
        for (name, value) in &head.headers {
            if is_end_to_end(name) {
                request = request.header(name, value);
            }
        }
        let failed = |error: reqwest::Error| {
            // Without its URL, which contains the signature.
            let message = format!("The endpoint did not respond: {}.", error.without_url());
            ApiError::new(502, "ServiceUnavailable", message)
        };
        let mut received = request.send().await.map_err(failed)?;
        let (status, headers) = (received.status(), received.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = received.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                let message = "The response is too long to be recorded.";
                return Err(ApiError::new(502, "ServiceUnavailable", message));
            }
            body.extend_from_slice(&chunk);
        }
        self.write(&call, status.as_u16(), &headers, &body);

        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        for (name, value) in headers.iter().filter(|(name, _)| is_end_to_end(name)) {
            response.headers_mut().append(name, value.clone());
        }
        Ok(response)
    }

    /// Records a call. A failure does not change the response, because the call was made.
    fn write(&self, call: &ForwardedCall<'_>, status: u16, headers: &HeaderMap, body: &[u8]) {
        let mut locked = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, placeholders) = &mut *locked;
        let parameters: Map<String, Value> = call
            .parameters
            .iter()
            .filter(|(name, _)| !COMMON.contains(name))
            .map(|(name, value)| (name.to_owned(), placeholders.in_member(name, json!(value))))
            .collect();
        let has = |name: HeaderName| headers.contains_key(name);
        let exchange = json!({
            "action": call.action.or_else(|| call.parameters.get("Action")),
            "signature_version": call.signature_version,
            "parameters": parameters,
            "status": status,
            "has_date": has(header::DATE),
            "body": match serde_json::from_slice(body) {
                Ok(body) => placeholders.in_member("", body),
                Err(_) => json!(MASK),
            },
        });
        if let Err(error) = writeln!(file, "{exchange}") {
            // A closed stderr leaves no other place to report to.
            let _ = writeln!(io::stderr(), "a call was not recorded: {error}");
        }
    }
}

/// The recorded parts of a request.
struct ForwardedCall<'a> {
    signature_version: &'static str,
    /// The operation in the header of signature version 3.
    action: Option<&'a str>,
    parameters: Parameters,
}

/// Reports whether a header is forwarded. Reqwest and hyper set those about the connection and the body.
fn is_end_to_end(name: &HeaderName) -> bool {
    let hop_by_hop = [
        header::PROXY_AUTHORIZATION,
        HeaderName::from_static("proxy-connection"),
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::ACCEPT_ENCODING,
        header::EXPECT,
    ];
    !hop_by_hop.contains(name)
}

/// The placeholders of names, hosts and parts of paths, by value.
#[derive(Default)]
struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// Replaces the strings in the value of a parameter, or of a member of a response.
    fn in_member(&mut self, name: &str, value: Value) -> Value {
        replace_values(value, name, &mut |name, value| {
            let text = value.as_str()?;
            if FREE_TEXT.contains(&name) || CREDENTIALS_AND_IDENTITIES.contains(&name) {
                Some(json!(MASK))
            } else if text.contains("://") {
                Some(json!(self.in_url(text)))
            } else if STREAMS.contains(&name) {
                Some(json!(self.placeholder("no-url", text)))
            } else if NAMES.contains(&name) {
                Some(json!(self.in_name(text)))
            } else if name == "DomainName" {
                Some(json!(self.in_host(text)))
            } else if PATHS.contains(&name) {
                Some(json!(self.in_path(text)))
            } else {
                None
            }
        })
    }

    /// Replaces a name by one that the rules for names accept or reject in the same way.
    fn in_name(&mut self, name: &str) -> String {
        let mut replaced = self.placeholder("name", name);
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
        let others: BTreeSet<char> = name
            .chars()
            .filter(|c| !is_plain(c))
            // One character represents all Chinese ones and other letters of that part of Unicode.
            .map(|c| if c > '\u{3000}' { '\u{4e00}' } else { c })
            .collect();
        replaced.extend(others);
        if name.chars().count() > MAX_NAME_CHARS {
            replaced.push_str(&"x".repeat(MAX_NAME_CHARS));
        }
        replaced
    }

    /// Replaces a URL by one with the same scheme, case of the host, port and names in the query.
    fn in_url(&mut self, url: &str) -> String {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, format!(":{port}")),
            None => (host, String::new()),
        };
        let user = if user.is_empty() { "" } else { "***@" };
        let (host, path) = (self.in_host(host), self.in_path(path));
        let replaced = format!("{scheme}://{user}{host}{port}/{path}");
        if query.is_empty() {
            replaced
        } else {
            format!("{replaced}?{}", masked_query(query))
        }
    }

    /// Replaces a host by one with the same case.
    fn in_host(&mut self, host: &str) -> String {
        if host.is_empty() {
            return String::new();
        }
        let lower = host.to_ascii_lowercase();
        let mut replaced = self.placeholder("host", &lower) + ".example.com";
        if lower != host {
            replaced.make_ascii_uppercase();
        }
        replaced
    }

    /// Replaces each part of a path.
    fn in_path(&mut self, path: &str) -> String {
        let segments = path.split('/');
        let replaced: Vec<_> = segments
            .map(|part| self.placeholder("path", part))
            .collect();
        replaced.join("/")
    }

    fn placeholder(&mut self, kind: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let number = self.0.len() + 1;
        self.0
            .entry(value.to_owned())
            .or_insert_with(|| format!("{kind}-{number}"))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_format_of_values_is_recorded() {
        let mut placeholders = Placeholders::default();
        let body = json!({
            "Code": "OperationDenied", "Message": "hunter", "HostId": "hunter", "RequestId": "R",
            "Credentials": {"AccessKeyId": "hunter", "AccessKeySecret": "hunter", "SecurityToken": "hunter"},
            "AssumedRoleUser": {"Arn": "hunter", "AssumedRoleId": "hunter"},
            "AccessDeniedDetail": {"AuthAction": "x", "Message": "hunter"},
            "Job": {
                "JobId": "J", "Name": "hunter", "Status": "1", "CreateTime": "2024-01-01T00:00:00Z",
                "StreamInput": "rtmp://hunter@Hunter.test:1935/hunter/key?auth_key=hunter",
                "StreamOutput": "rtmp://hunter.test/hunter/key?hunter",
            },
        });
        let written = placeholders.in_member("", body);
        let text = written.to_string().to_lowercase();
        assert!(!text.contains("hunter") && !text.contains("key/"), "{text}");
        let job = &written["Job"];
        assert_eq!(job["JobId"], "J");
        assert_eq!(job["CreateTime"], "2024-01-01T00:00:00Z");
        let (input, output) = (
            job["StreamInput"].as_str().unwrap(),
            job["StreamOutput"].as_str().unwrap(),
        );
        assert!(input.starts_with("rtmp://***@HOST-"), "{input}");
        assert!(
            input.contains(":1935/") && input.ends_with("?auth_key=***"),
            "{input}"
        );
        let host = output
            .trim_start_matches("rtmp://")
            .split('/')
            .next()
            .unwrap();
        assert!(input.to_lowercase().contains(host), "{input} {output}");
    }

    #[test]
    fn a_stream_has_the_same_placeholders_in_its_url_and_by_its_names() {
        let members = [
            ("DomainName", "in.test"),
            ("AppName", "live.1"),
            ("StreamName", "camera.1/main"),
            ("StreamInput", "rtmp://in.test:1935/live.1/camera.1/main"),
        ];
        let mut reversed = members;
        reversed.reverse();
        for members in [members, reversed] {
            let mut placeholders = Placeholders::default();
            let members = members.map(|(name, value)| (name.to_owned(), json!(value)));
            let stream = placeholders.in_member("", members.into_iter().collect());
            let [domain, app, name, url] = ["DomainName", "AppName", "StreamName", "StreamInput"]
                .map(|name| stream[name].as_str().unwrap());
            assert_eq!(url, format!("rtmp://{domain}:1935/{app}/{name}"));
            assert!(
                domain.ends_with(".example.com") && !url.contains("live"),
                "{url}"
            );
        }
        let mut placeholders = Placeholders::default();
        assert_eq!(placeholders.in_member("DomainName", json!("")), json!(""));
    }
}
