//! What credentials sources use of the machine: files, HTTP, other programs, clock and environment. All of it is passed
//! as values, so that tests can replace each part.

mod commands;
mod file_text;
mod files;
mod http;
mod locked_file;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::clock::ServerClock;
use crate::environment::{Environment, InvalidInput, Proxies, RootCertificates};

pub use commands::{CommandExecute, CommandOutput};
pub use file_text::FileText;
pub use files::FileAccess;
pub use http::{HttpRequest, HttpResponse, HttpSend, ProxyPolicy};
pub use locked_file::LockedFile;

/// Returns 128 random bits; `None` if the operating system provides none.
pub fn random_bits() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_ne_bytes(bytes))
}

/// Everything outside this process that sources use.
#[derive(Clone)]
pub struct SystemContext {
    /// Environment variables.
    pub environment: Environment,
    /// The home directory, for `~` and for well-known files.
    pub home: Option<PathBuf>,
    /// Files.
    pub files: Arc<dyn FileAccess>,
    /// The proxies that the environment configures.
    pub proxies: Proxies,
    /// The certificate authorities that the environment configures.
    pub roots: RootCertificates,
    /// HTTP calls.
    pub http: Arc<dyn HttpSend>,
    /// Wall-clock time, corrected by responses of Alibaba Cloud.
    pub clock: Arc<ServerClock>,
    /// Other programs.
    pub commands: Arc<dyn CommandExecute>,
    /// Work that the end of the process must not cut off: before it ends, the process waits until this is empty.
    pub work: TaskTracker,
}

impl SystemContext {
    /// Returns the context of this machine. An error if the environment configures an invalid proxy.
    pub fn new(environment: Environment, user_agent: String) -> Result<Self, InvalidInput> {
        let proxies = Proxies::from_environment(&environment)?;
        let roots = RootCertificates::from_environment(&environment);
        Ok(Self {
            home: environment.path(&["HOME", "USERPROFILE"]),
            files: Arc::new(files::SystemFiles),
            http: Arc::new(http::HttpClient {
                user_agent,
                proxies: proxies.clone(),
                roots: roots.clone(),
            }),
            proxies,
            roots,
            environment,
            clock: Arc::default(),
            commands: Arc::new(commands::SystemCommands),
            work: TaskTracker::new(),
        })
    }

    /// Resolves a path as users write it: a leading `~` is the home directory. An error if there is none: the file does not
    /// count as absent.
    pub(super) fn path(&self, text: &str) -> io::Result<PathBuf> {
        match (text.strip_prefix("~/"), &self.home) {
            (None, _) => Ok(PathBuf::from(text)),
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => Err(io::Error::other("HOME is not set, so ~ is unknown")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bits_differ_each_time() {
        assert_ne!(random_bits().unwrap(), random_bits().unwrap());
    }
}
