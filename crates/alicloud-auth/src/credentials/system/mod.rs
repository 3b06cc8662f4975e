//! What sources of credentials touch of the world, as values: nothing here is global, so tests give them another world.

mod commands;
mod files;
mod http;
mod locked_file;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;
use url::Url;

use super::clock::ServerClock;
use crate::environment::{Environment, InvalidInput, Proxies};

/// All that sources touch.
#[derive(Clone)]
pub struct SystemContext {
    /// Environment variables.
    pub environment: Environment,
    /// The home directory, for `~` and for the places of well-known files.
    pub home: Option<PathBuf>,
    /// Files.
    pub files: Arc<dyn FileAccess>,
    /// The proxies that the environment names.
    pub proxies: Proxies,
    /// HTTP calls.
    pub http: Arc<dyn HttpSend>,
    /// Wall-clock time, as the cloud tells it where it has.
    pub clock: Arc<ServerClock>,
    /// Other programs.
    pub commands: Arc<dyn CommandExecute>,
}

impl SystemContext {
    /// The real world. An error if the environment names a proxy that cannot be used.
    pub fn real(environment: Environment, user_agent: String) -> Result<Self, InvalidInput> {
        let proxies = Proxies::from_environment(&environment)?;
        Ok(Self {
            home: environment.path(&["HOME", "USERPROFILE"]),
            environment,
            files: Arc::new(files::SystemFiles),
            http: Arc::new(http::Reqwest {
                user_agent,
                proxies: proxies.clone(),
            }),
            proxies,
            clock: Arc::default(),
            commands: Arc::new(commands::SystemCommands),
        })
    }

    /// A path as people write it: a leading `~` is the home directory.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }
}

/// Reads files, and replaces those that Alibaba Cloud's tools replace.
#[async_trait]
pub trait FileAccess: Send + Sync {
    /// The whole text of a file. An error for everything but regular files of text, for those over 1 MiB, and when
    /// there is no answer within 10 s, as of a network drive that is gone.
    async fn read(&self, path: &Path) -> io::Result<FileText>;

    /// The same for a file that is to be replaced. Waits for a few seconds where somebody else has it. An error where it
    /// could not be replaced.
    async fn lock(&self, path: &Path) -> io::Result<Box<dyn LockedFile>>;
}

/// A file that nobody else replaces until this is dropped, if they do it in the same way.
#[async_trait]
pub trait LockedFile: Send + Sync {
    /// All of it, without a byte order mark, as it is now that it is locked.
    fn text(&self) -> &SecretString;

    /// Puts another text in its place, whole or not at all. Only its owner may read it then. [`io::ErrorKind::WouldBlock`]
    /// where it was changed all the same by a program that does not lock it.
    async fn replace(self: Box<Self>, text: SecretString) -> io::Result<()>;
}

/// What a file holds.
pub struct FileText {
    /// All of it, without a byte order mark.
    pub text: SecretString,
    /// Whether users other than its owner may read it. `false` where that cannot be told.
    pub is_readable_by_others: bool,
}

/// Runs other programs.
#[async_trait]
pub trait CommandExecute: Send + Sync {
    /// Runs a program without a shell. When `time_limit` is over it is killed, with all that it has started.
    ///
    /// It gets this process's environment without what is Terraform's own: `TF_*`, in which the values of variables
    /// are, and the handshake with plugins.
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
pub trait HttpSend: Send + Sync {
    /// The answer, or why there is none; the reason holds no URL.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String>;
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
    pub route: ProxyPolicy,
    /// The time for connecting.
    pub connect_timeout: Duration,
    /// The time for all of it.
    pub timeout: Duration,
}

/// How a call gets to its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyPolicy {
    /// Through the proxy that the environment names for it, if it does.
    FromEnvironment,
    /// Straight: the host is this machine's own neighbour, and no proxy may see what it says.
    Bypass,
}

/// An answer to an HTTP call.
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: SecretString,
    /// The clock of the host when it answered.
    pub date: Option<OffsetDateTime>,
}
