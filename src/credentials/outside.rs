//! What sources of credentials touch of the world, as values: nothing here is global, so tests give them another world.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;
use url::Url;

use super::clock::ServerClock;
use crate::environment::Environment;

/// The largest answer or output that is read. Keys take a few kilobytes.
const LONGEST_ANSWER: usize = 256 << 10;

/// All that sources touch.
#[derive(Clone)]
pub struct Outside {
    /// Environment variables.
    pub environment: Environment,
    /// The home directory, for `~` and for the places of well-known files.
    pub home: Option<PathBuf>,
    /// Files.
    pub files: Arc<dyn Files>,
    /// HTTP calls.
    pub http: Arc<dyn Http>,
    /// Wall-clock time, as the cloud tells it where it has.
    pub clock: Arc<ServerClock>,
    /// Other programs.
    pub commands: Arc<dyn Commands>,
}

impl Outside {
    /// The real world.
    pub fn real(environment: Environment, user_agent: String) -> Self {
        Self {
            home: environment
                .first(&["HOME", "USERPROFILE"])
                .map(PathBuf::from),
            environment,
            files: Arc::new(SystemFiles),
            http: Arc::new(Reqwest { user_agent }),
            clock: Arc::default(),
            commands: Arc::new(SystemCommands),
        }
    }

    /// A path as people write it: a leading `~` is the home directory.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }

    /// Whether a variable is set to a word for yes.
    pub(super) fn is_on(&self, variable: &str) -> bool {
        self.environment
            .first(&[variable])
            .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }
}

/// Reads files.
pub trait Files: Send + Sync {
    /// The whole text of a file.
    fn read(&self, path: &Path) -> io::Result<SecretString>;

    /// Whether users other than its owner may read a file. `false` where that cannot be told.
    fn is_readable_by_others(&self, path: &Path) -> bool;
}

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> OffsetDateTime;
}

/// Runs other programs.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Runs a program without a shell, and ends it when `time_limit` is over.
    async fn run(
        &self,
        program: &str,
        arguments: &[String],
        time_limit: Duration,
    ) -> io::Result<CommandOutput>;
}

/// What a program that has ended leaves.
pub struct CommandOutput {
    /// Whether it ended well.
    pub success: bool,
    /// What it printed. What it wrote to standard error is dropped: it may hold secrets.
    pub output: SecretString,
}

/// Makes single HTTP calls. No retries, no redirects.
#[async_trait]
pub trait Http: Send + Sync {
    /// The answer, or why there is none; the reason holds no URL.
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, String>;
}

/// An HTTP call.
pub struct HttpRequest {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// Where to. A query may hold secrets.
    pub url: Url,
    /// Headers by name.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The body, which may be empty.
    pub body: SecretString,
    /// How it gets there.
    pub route: Route,
    /// The time for connecting.
    pub connect_timeout: Duration,
    /// The time for all of it.
    pub timeout: Duration,
}

/// How a call gets to its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// Through the proxies that the environment names.
    Usual,
    /// Straight: the host is this machine's own neighbour, and no proxy may see what it says.
    Direct,
}

/// An answer to an HTTP call.
pub struct HttpReply {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: SecretString,
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> io::Result<SecretString> {
        std::fs::read_to_string(path).map(SecretString::from)
    }

    #[cfg(unix)]
    fn is_readable_by_others(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt as _;

        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
    }

    #[cfg(not(unix))]
    fn is_readable_by_others(&self, _path: &Path) -> bool {
        false
    }
}

struct SystemCommands;

#[async_trait]
impl Commands for SystemCommands {
    async fn run(
        &self,
        program: &str,
        arguments: &[String],
        time_limit: Duration,
    ) -> io::Result<CommandOutput> {
        let running = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?
            .wait_with_output();
        // Dropping what is not ready kills the program.
        let ended = tokio::time::timeout(time_limit, running)
            .await
            .map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
        let output = String::from_utf8(ended.stdout)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(CommandOutput {
            success: ended.status.success(),
            output: output.into(),
        })
    }
}

/// A client for each call: there is one an hour or less, and calls differ in time limits, proxies and certificates.
struct Reqwest {
    user_agent: String,
}

#[async_trait]
impl Http for Reqwest {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, String> {
        use secrecy::ExposeSecret as _;

        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(request.connect_timeout)
            .timeout(request.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if request.route == Route::Direct {
            client = client.no_proxy();
        }
        if request.url.scheme() == "http" {
            // A machine without certificates must still reach its metadata service.
            client = client.tls_certs_only([]);
        }
        let method = match request.method {
            "GET" => reqwest::Method::GET,
            "PUT" => reqwest::Method::PUT,
            _ => reqwest::Method::POST,
        };
        let mut sending = client
            .build()
            .map_err(reason)?
            .request(method, request.url)
            .body(request.body.expose_secret().to_owned());
        for (name, value) in &request.headers {
            sending = sending.header(*name, value.expose_secret());
        }
        let mut response = sending.send().await.map_err(reason)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
        Ok(HttpReply {
            status,
            body: body.into(),
        })
    }
}

/// The innermost cause, without the URL, which may hold secrets.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
