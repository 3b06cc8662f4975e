//! A client of the API that returns every byte of the response.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, Mock, MockSettings};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// The timeout of everything that a test waits for. Only a failing test reaches it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Starts a mock with a seed.
pub(crate) fn mock() -> Mock {
    mock_with(|settings| settings.seed = Some(1))
}

/// Starts a mock with the default settings after this change.
#[track_caller]
pub(crate) fn mock_with(change: impl FnOnce(&mut MockSettings)) -> Mock {
    let mut settings = MockSettings::default();
    change(&mut settings);
    Mock::start(settings).unwrap()
}

/// The response on a connection.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    /// All bytes, unparsed.
    pub(crate) bytes: Vec<u8>,
}

impl HttpResponse {
    /// Returns the HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.head().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Returns the value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.head();
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }

    /// Returns the bytes after the head.
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.end_of_head()..]
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body().to_vec()).unwrap()
    }

    /// Returns the error of the control API.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    /// Returns the status and the member `Code`.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        format!("{} {}", self.status(), body["Code"].as_str().unwrap())
    }

    /// Returns the `Message` of an error of the API.
    pub(crate) fn message(&self) -> String {
        self.json()["Message"].as_str().unwrap().to_owned()
    }

    /// Returns the `JobId` of a successful call.
    #[track_caller]
    pub(crate) fn job_id(&self) -> String {
        assert_eq!(self.status(), 200, "{self:?}");
        self.json()["JobId"].as_str().unwrap().to_owned()
    }

    fn head(&self) -> String {
        String::from_utf8(self.bytes[..self.end_of_head()].to_vec()).unwrap()
    }

    fn end_of_head(&self) -> usize {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        end.unwrap_or_else(|| panic!("no head: {self:?}")) + 4
    }
}

/// Returns the encoded parameters of a call with its signature. `own` overrides the common parameters, so that tests can
/// send wrong ones.
pub(crate) fn signed(method: &str, own: &[(&str, &str)]) -> String {
    signed_with(DEFAULT_ACCESS_KEY_SECRET, method, own)
}

/// Does the same as [`signed`] with another secret.
pub(crate) fn signed_with(secret: &str, method: &str, own: &[(&str, &str)]) -> String {
    sign(secret, OffsetDateTime::now_utc(), method, own)
}

fn sign(secret: &str, time: OffsetDateTime, method: &str, own: &[(&str, &str)]) -> String {
    static NONCES: AtomicU64 = AtomicU64::new(0);
    let nonce = NONCES.fetch_add(1, Ordering::Relaxed).to_string();
    let timestamp = timestamp(time);
    let mut all = vec![
        ("Format", "JSON"),
        ("Version", "2016-11-01"),
        ("AccessKeyId", DEFAULT_ACCESS_KEY_ID),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", &nonce),
        ("Timestamp", &timestamp),
    ];
    all.retain(|(name, _)| own.iter().all(|(own, _)| own != name));
    all.extend_from_slice(own);
    all.sort_unstable();
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let pairs: Vec<String> = all
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    let query = pairs.join("&");
    let text = format!("{method}&%2F&{}", escape(&query));
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    format!("{query}&Signature={}", escape(&signature))
}

/// Formats a time as the API does.
pub(crate) fn timestamp(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap();
    time.format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}

/// A connection on which a request was sent.
pub(crate) struct Sent(pub(crate) TcpStream);

impl Sent {
    /// Reads the response up to the end of the connection.
    pub(crate) fn response(mut self) -> HttpResponse {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {} bytes", bytes.len()),
        }
        HttpResponse { bytes }
    }

    /// Sets another timeout than [`TIMEOUT`].
    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        self.0.set_read_timeout(Some(timeout)).unwrap();
        self
    }

    /// Reads one response by its `Content-Length`, from a server that keeps the connection open.
    pub(crate) fn read_one(mut self) -> HttpResponse {
        let mut response = HttpResponse { bytes: Vec::new() };
        let mut byte = [0];
        while !response.bytes.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            response.bytes.push(byte[0]);
        }
        let length = response.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        response.bytes.extend(body);
        response
    }

    /// Reads the first `count` bytes and closes the connection.
    pub(crate) fn first(mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}

fn address(mock_url: &str) -> &str {
    mock_url.strip_prefix("http://").unwrap()
}

/// Sends these bytes to the mock.
pub(crate) fn send_raw(mock_url: &str, bytes: &[u8]) -> Sent {
    let mut stream = TcpStream::connect(address(mock_url)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(bytes).unwrap();
    Sent(stream)
}

/// Sends a request with `Connection: close`.
pub(crate) fn send(mock_url: &str, method: &str, target: &str, body: &str) -> Sent {
    let length = body.len();
    let is_api = target == "/" || target.starts_with("/?");
    let (host, content_type) = if is_api {
        ("live.test", "application/x-www-form-urlencoded")
    } else {
        (address(mock_url), "application/json")
    };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    send_raw(mock_url, request.as_bytes())
}

/// Sends a GET to the control API or another endpoint.
pub(crate) fn get(mock_url: &str, path: &str) -> HttpResponse {
    send(mock_url, "GET", path, "").response()
}

/// Sends a POST to the control API.
pub(crate) fn post(mock_url: &str, path: &str, body: &str) -> HttpResponse {
    send(mock_url, "POST", path, body).response()
}

/// Sends a call whose parameters and signature are these.
pub(crate) fn post_form(mock_url: &str, form: &str) -> HttpResponse {
    send(mock_url, "POST", "/", form).response()
}

/// Sends a call with all parameters in a form body.
pub(crate) fn send_call(mock: &Mock, action: &str, parameters: &[(&str, &str)]) -> Sent {
    let form = signed("POST", &with_action(action, parameters));
    send(&mock.url(), "POST", "/", &form)
}

/// Sends a call and reads its response.
pub(crate) fn call(mock: &Mock, action: &str, parameters: &[(&str, &str)]) -> HttpResponse {
    send_call(mock, action, parameters).response()
}

/// Handles a successful call at this time without a socket. Returns the body of the response.
pub(crate) async fn handle_at(
    time: OffsetDateTime,
    mock: &Mock,
    action: &str,
    parameters: &[(&str, &str)],
) -> Value {
    let parameters = with_action(action, parameters);
    let form = sign(DEFAULT_ACCESS_KEY_SECRET, time, "POST", &parameters);
    let request = Request::post("/")
        .header("host", "live.test")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let response = mock.handle(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{action}");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Sends a call with signature version 3 and all parameters in a form body to the server at `url`. If `host` is another
/// server, the request is one for an HTTP proxy.
pub(crate) fn send_v3(url: &str, host: &str, action: &str, parameters: &[(&str, &str)]) -> Sent {
    static NONCES: AtomicU64 = AtomicU64::new(0);
    let nonce = format!("v3-{}", NONCES.fetch_add(1, Ordering::Relaxed));
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    let sha256 = |text: &str| hex(&Sha256::digest(text));
    let (date, hash) = (timestamp(OffsetDateTime::now_utc()), sha256(&body));
    // Sorted by name.
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", host),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &hash),
        ("x-acs-date", &date),
        ("x-acs-signature-nonce", &nonce),
        ("x-acs-version", "2016-11-01"),
    ];
    let names = headers.map(|(name, _)| name).join(";");
    let lines = headers
        .map(|(name, value)| format!("{name}:{value}\n"))
        .concat();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{hash}");
    let mut mac = Hmac::<Sha256>::new_from_slice(DEFAULT_ACCESS_KEY_SECRET.as_bytes()).unwrap();
    mac.update(format!("ACS3-HMAC-SHA256\n{}", sha256(&canonical)).as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let authorization = format!(
        "ACS3-HMAC-SHA256 Credential={DEFAULT_ACCESS_KEY_ID},SignedHeaders={names},Signature={signature}"
    );
    let mut request = format!(
        "POST http://{host}/ HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\nAuthorization: {authorization}\r\n",
        body.len()
    );
    let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
    request.push_str(&headers.concat());
    send_raw(url, format!("{request}\r\n{body}").as_bytes())
}

/// Returns the parameters of a call of `action` on the default cluster.
pub(crate) fn with_action<'a>(
    action: &'a str,
    parameters: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("Action", action), ("ClusterId", "cluster-1")];
    all.extend_from_slice(parameters);
    all
}

/// The parameters of Create besides the cluster.
pub(crate) const NEW_JOB: [(&str, &str); 4] = [
    ("Name", "task-\u{4e00}"),
    ("TemplateId", "tpl-h264-720p"),
    ("StreamInput", "rtmp://in.test/app/a b+c*~"),
    (
        "StreamOutput",
        "rtmp://out.test/app/stream?auth_key=1-0-0-ff",
    ),
];

/// Creates a job. Returns its ID.
pub(crate) fn create(mock: &Mock) -> String {
    call(mock, "CreateEdgeTranscodeJob", &NEW_JOB).job_id()
}
