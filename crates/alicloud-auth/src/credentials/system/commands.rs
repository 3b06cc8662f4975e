use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Credentials take a few kilobytes.
const MAX_OUTPUT_BYTES: usize = 256 << 10;
/// How long the output may stay open after the program has exited: a child that it left running may keep it open.
const PIPE_GRACE_PERIOD: Duration = Duration::from_secs(1);

/// Runs other programs.
#[async_trait]
pub trait CommandExecute: Send + Sync {
    /// Runs a program without a shell. After `timeout` it is killed, with all the processes that it has started.
    ///
    /// It inherits this process's environment without Terraform's own variables: `TF_*`, which contain the values of
    /// input variables, and the plugin handshake.
    async fn run(
        &self,
        program: &str,
        arguments: &[String],
        timeout: Duration,
    ) -> io::Result<CommandOutput>;
}

/// The result of a program that has exited.
pub struct CommandOutput {
    /// Whether it exited with status 0.
    pub success: bool,
    /// Its standard output. Its standard error is dropped, because it may contain secrets.
    pub output: SecretString,
}

/// The programs of this machine.
pub(super) struct SystemCommands;

#[async_trait]
impl CommandExecute for SystemCommands {
    async fn run(
        &self,
        program: &str,
        arguments: &[String],
        timeout: Duration,
    ) -> io::Result<CommandOutput> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        for name in withheld_variables(std::env::vars_os()) {
            command.env_remove(name);
        }
        // A process group of its own: Ctrl-C in the terminal does not reach it in the middle of a renewal.
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(windows)]
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);

        let mut child = command.spawn()?;
        #[cfg(unix)]
        let group = ProcessGroup::led_by(&child);
        let output = tokio::time::timeout(timeout, output(&mut child))
            .await
            .map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
        // It exited by itself, so the children that it left running are meant to run.
        #[cfg(unix)]
        std::mem::forget(group);
        Ok(output)
    }
}

/// Source: <https://learn.microsoft.com/windows/win32/procthread/process-creation-flags>
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// Waits for the program and reads its output, until the output is closed or was left open too long after the exit.
async fn output(child: &mut Child) -> io::Result<CommandOutput> {
    let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut printed = Vec::new();
    let mut exited = None;
    let mut pipe_deadline = Instant::now();
    loop {
        tokio::select! {
            read = stdout.read_buf(&mut printed) => {
                if read? == 0 {
                    break;
                }
                if printed.len() > MAX_OUTPUT_BYTES {
                    return Err(io::Error::other("its output is too long"));
                }
            }
            status = child.wait(), if exited.is_none() => {
                exited = Some(status?);
                pipe_deadline = Instant::now() + PIPE_GRACE_PERIOD;
            }
            () = tokio::time::sleep_until(pipe_deadline), if exited.is_some() => break,
        }
    }
    let status = match exited {
        Some(status) => status,
        None => child.wait().await?,
    };
    let printed = String::from_utf8(printed)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its output is not UTF-8 text"))?;
    Ok(CommandOutput {
        success: status.success(),
        output: printed.into(),
    })
}

/// Returns the variables that are private to Terraform and its plugins: `TF_VAR_*` and `TF_TOKEN_*` contain secrets, and
/// the others would allow impersonating one of the two.
fn withheld_variables(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = OsString> {
    const HANDSHAKE_VARIABLES: [&str; 7] = [
        "PLUGIN_CLIENT_CERT",
        "PLUGIN_MAX_PORT",
        "PLUGIN_MIN_PORT",
        "PLUGIN_MULTIPLEX_GRPC",
        "PLUGIN_PROTOCOL_VERSIONS",
        "PLUGIN_UNIX_SOCKET_DIR",
        "PLUGIN_UNIX_SOCKET_GROUP",
    ];
    let is_withheld = |name: &OsStr| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        name.starts_with("TF_") || HANDSHAKE_VARIABLES.contains(&name.as_str())
    };
    let names = variables.into_iter().map(|(name, _)| name);
    names.filter(move |name| is_withheld(name))
}

/// The process group of the program: all processes in it are killed on drop. Windows has none; tokio kills the program
/// itself on drop.
#[cfg(unix)]
struct ProcessGroup(rustix::process::Pid);

#[cfg(unix)]
impl ProcessGroup {
    /// Returns `None` if the program has been waited for already.
    fn led_by(child: &Child) -> Option<Self> {
        let id = i32::try_from(child.id()?).ok()?;
        rustix::process::Pid::from_raw(id).map(Self)
    }
}

#[cfg(unix)]
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // It may have exited meanwhile.
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terraforms_own_variables_are_withheld() {
        let names = [
            "TF_VAR_password",
            "TF_TOKEN_app_terraform_io",
            "TF_LOG",
            "tf_var_lower",
            "PLUGIN_CLIENT_CERT",
            "PATH",
            "HOME",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "PLUGIN_OF_MINE",
            "MY_TF_VAR",
        ];
        let variables = names.map(|name| (OsString::from(name), OsString::from("x")));
        let withheld: Vec<_> = withheld_variables(variables).collect();
        assert_eq!(withheld, names[..5]);
    }
}
