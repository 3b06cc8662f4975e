//! A command that still runs: what can happen to it from outside, and how it ends.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::terraform::Run;

/// No command of these tests takes more than some seconds; one that hangs must not hang the test run.
const TIME_LIMIT: Duration = Duration::from_secs(180);
/// A provider gives the changes that run 10 s when it has lost its host.
const OUTLIVING_LIMIT: Duration = Duration::from_secs(20);
const SAYING_LIMIT: Duration = Duration::from_secs(60);

/// A command on its way, in a process group of its own as a shell's job is. Dropped, it is killed with its group.
pub(crate) struct Running {
    command: String,
    child: Child,
    /// What was printed until now.
    printed: Arc<Mutex<String>>,
    /// Hears of the end of what is printed.
    printed_all: Receiver<()>,
    errors: PathBuf,
    log: PathBuf,
    /// What the log held before.
    logged: usize,
    /// The other end is the standard input of the command, and of every process that it starts.
    lifeline: UnixStream,
}

impl Running {
    /// `log` is the file to which `TF_LOG_PATH` points.
    pub(crate) fn start(mut command: Command, errors: PathBuf, log: PathBuf) -> Self {
        let (lifeline, stdin) = UnixStream::pair().unwrap();
        let logged = fs::read_to_string(&log).unwrap_or_default().len();
        let mut child = command
            .process_group(0)
            .stdin(OwnedFd::from(stdin))
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", command_line(&command)));

        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let printed = Arc::new(Mutex::new(String::new()));
        let (sender, printed_all) = mpsc::channel();
        let text = Arc::clone(&printed);
        thread::spawn(move || {
            let mut line = String::new();
            while stdout.read_line(&mut line).unwrap() > 0 {
                text.lock().unwrap().push_str(&line);
                line.clear();
            }
            // Nobody listens only when the test has failed.
            let _ = sender.send(());
        });
        Self {
            command: command_line(&command),
            child,
            printed,
            printed_all,
            errors,
            log,
            logged,
            lifeline,
        }
    }

    /// What was logged since the start.
    fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log[self.logged..].to_owned()
    }

    /// The process ID of the provider that Terraform has started last: a command starts several, one after another.
    #[track_caller]
    fn provider(&self) -> u32 {
        let log = self.log();
        log.lines()
            .filter(|line| line.contains("plugin started"))
            .filter_map(|line| line.rsplit_once("pid=")?.1.trim().parse().ok())
            .next_back()
            .unwrap_or_else(|| panic!("no provider was started:\n{log}"))
    }

    /// `SIGKILL` for the provider.
    pub(crate) fn kill_provider(&self) {
        signal("KILL", &self.provider().to_string());
    }

    /// `SIGKILL` for Terraform. Comes back when it is dead: the provider's standard output is closed then.
    pub(crate) fn kill_terraform(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `SIGKILL` for Terraform and provider.
    pub(crate) fn kill_both(&self) {
        signal("KILL", &self.group());
    }

    /// What Ctrl-C at a terminal does: `SIGINT` for the whole process group. Comes back when the provider has heard of
    /// it from Terraform.
    #[track_caller]
    pub(crate) fn press_ctrl_c(&self) {
        signal("INT", &self.group());
        self.wait_logged(&["call answered", "tf_rpc=StopProvider"]);
    }

    /// What `timeout` and an aborted CI job do: `SIGTERM` for the whole process group. Comes back when the provider has
    /// heard of it both from the system and from Terraform.
    #[track_caller]
    pub(crate) fn terminate(&self) {
        signal("TERM", &self.group());
        self.wait_logged(&["asked to stop by signal"]);
        self.wait_logged(&["call answered", "tf_rpc=StopProvider"]);
    }

    /// A signal for the provider alone. Comes back when it has heard of it.
    #[track_caller]
    pub(crate) fn signal_provider(&self, name: &str) {
        signal(name, &self.provider().to_string());
        self.wait_logged(&["asked to stop by signal"]);
    }

    /// Waits until a line of the log says all of this.
    #[track_caller]
    pub(crate) fn wait_logged(&self, texts: &[&str]) {
        wait_said(texts, || self.log());
    }

    /// Waits until a line of what the command prints says all of this.
    #[track_caller]
    pub(crate) fn wait_printed(&self, texts: &[&str]) {
        wait_said(texts, || self.printed.lock().unwrap().clone());
    }

    fn group(&self) -> String {
        format!("-{}", self.child.id())
    }

    /// Waits for the end of the command and of all processes that it started.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Run {
        self.printed_all
            .recv_timeout(TIME_LIMIT)
            .unwrap_or_else(|_| panic!("`{}` does not end", self.command));
        let output = self.printed.lock().unwrap().clone();
        let status = self.child.wait().unwrap();
        self.lifeline
            .set_read_timeout(Some(OUTLIVING_LIMIT))
            .unwrap();
        let outlived = match self.lifeline.read(&mut [0]) {
            Ok(_) => false,
            Err(error) => [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()),
        };
        assert!(!outlived, "a process outlives `{}`", self.command);
        Run::new(
            self.command.clone(),
            status,
            output,
            fs::read_to_string(&self.errors).unwrap(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill_both();
            let _ = self.child.wait();
        }
    }
}

/// Waits until a line of `text` says all of this.
#[track_caller]
fn wait_said(texts: &[&str], text: impl Fn() -> String) {
    let begun = Instant::now();
    let says_all = |line: &str| texts.iter().all(|text| line.contains(text));
    while !text().lines().any(says_all) {
        assert!(
            begun.elapsed() < SAYING_LIMIT,
            "{texts:?} was not said:\n{}",
            text()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn command_line(command: &Command) -> String {
    let arguments: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect();
    format!("terraform {}", arguments.join(" "))
}

/// `target` as the command `kill` takes it: a process, or a group after a minus.
#[track_caller]
fn signal(name: &str, target: &str) {
    let kill = format!("kill -s {name} -- {target}");
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success(), "{kill}");
}
