//! A program that prints credentials.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::credentials::model::Credentials;
use crate::credentials::response::{parse, parse_time};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::system::{CommandExecute, SystemContext};

/// The same as in the official library.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct External {
    origin: String,
    program: String,
    arguments: Vec<String>,
    commands: Arc<dyn CommandExecute>,
}

/// What the program prints. As in Go, `null` counts as absent.
#[derive(Deserialize)]
struct Printed {
    mode: Option<String>,
    access_key_id: String,
    access_key_secret: SecretString,
    sts_token: Option<SecretString>,
    expiration: Option<String>,
}

impl External {
    /// Splits the command into words as a shell would, but expands nothing.
    pub(super) fn new(
        origin: String,
        command: &str,
        system: &SystemContext,
    ) -> Result<Self, String> {
        let mut words = split(command)
            .ok_or("process_command has an unclosed quote or a trailing backslash")?
            .into_iter();
        Ok(Self {
            origin,
            program: words.next().ok_or("process_command is empty")?,
            arguments: words.collect(),
            commands: Arc::clone(&system.commands),
        })
    }
}

#[async_trait::async_trait]
impl CredentialsSource for External {
    fn name(&self) -> String {
        self.origin.clone()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        // Arguments may contain secrets, so errors name the program alone.
        let failed = |reason: String| {
            SourceError::permanent(format!(
                "{}: the program {:?} {reason}",
                self.origin, self.program
            ))
        };
        let output = self
            .commands
            .run(&self.program, &self.arguments, TIMEOUT)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => {
                    failed(format!("did not exit within {} s", TIMEOUT.as_secs()))
                }
                _ => failed(format!("cannot be run: {error}")),
            })?;
        if !output.success {
            return Err(failed(
                "exited with an error; run it manually to see the error".to_owned(),
            ));
        }
        let printed: Printed = parse(output.output.expose_secret())
            .map_err(|reason| failed(format!("printed something unexpected: {reason}")))?;
        let credentials = Credentials::from_text(
            &printed.access_key_id,
            &printed.access_key_secret,
            printed.sts_token.as_ref(),
        )
        .map_err(|problem| failed(format!("printed unusable credentials: the {problem}")))?;
        // The CLI would apply what else a profile of another mode contains, such as a role.
        let mode = printed.mode.unwrap_or_default();
        if !matches!(&*mode, "" | "AK" | "StsToken") {
            let reason = "printed a mode other than AK and StsToken; have it print an access key pair, with its token";
            return Err(failed(reason.to_owned()));
        }
        let lacks_token = mode == "StsToken" && credentials.security_token.is_none();
        if lacks_token || !credentials.is_complete() {
            return Err(failed("printed incomplete credentials".to_owned()));
        }
        let expires_at = printed
            .expiration
            .filter(|text| !text.is_empty())
            .map(|text| parse_time(&text))
            .transpose()
            .map_err(|_| failed("printed an expiration that is not a timestamp".to_owned()))?;
        Ok(LoadedCredentials {
            credentials,
            expires_at,
        })
    }
}

/// Splits a command as the CLI and the Go SDK do: `#` does not begin a comment, and on Windows a backslash is part of a
/// path.
fn split(command: &str) -> Option<Vec<String>> {
    // Private-use characters, which no command contains.
    const HASH: &str = "\u{e000}";
    const BACKSLASH: &str = "\u{e001}";
    let mut text = command.replace('#', HASH);
    if cfg!(windows) {
        text = text.replace('\\', BACKSLASH);
    }
    let words = shlex::split(&text)?;
    let restored = |word: String| word.replace(HASH, "#").replace(BACKSLASH, "\\");
    Some(words.into_iter().map(restored).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_the_cli_splits_it() {
        for (command, words) in [
            ("get-keys --for live", vec!["get-keys", "--for", "live"]),
            ("get-keys #1 a#b '#c'", vec!["get-keys", "#1", "a#b", "#c"]),
            ("'a b' \"two words\" \\'", vec!["a b", "two words", "'"]),
            ("tool '' a", vec!["tool", "", "a"]),
        ] {
            assert_eq!(split(command).unwrap(), words, "{command}");
        }
        assert_eq!(split("tool 'open"), None);
        assert_eq!(split("tool \\"), None);
    }
}
