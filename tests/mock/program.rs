//! The mock as a program.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::caller::{send, signed, with_action};

/// A running mock, and the rest of its stdout.
struct Program {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    first_line: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_alicloud-live-mock"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        Self {
            child,
            stdout,
            first_line,
        }
    }

    fn url(&self) -> &str {
        self.first_line
            .strip_prefix("listening on ")
            .unwrap()
            .trim_end()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_where_it_listens_and_serves_what_the_flags_added() {
    let template = "id=own,type=ultra-hd,codec=H.265,cluster=cluster-2";
    let program = Program::start(&["--cluster", "cluster-2", "--template", template]);
    assert!(
        program
            .first_line
            .starts_with("listening on http://127.0.0.1:"),
        "{}",
        program.first_line
    );
    let mut own = with_action("GetEdgeTranscodeTemplate", &[("TemplateId", "own")]);
    own[1].1 = "cluster-2";
    let reply = send(program.url(), "POST", "/", &signed("POST", &own)).reply();
    assert_eq!(
        (reply.status(), &reply.json()["Template"]["Type"]),
        (200, &"ultra-hd".into())
    );
    own[1].1 = "cluster-1";
    let reply = send(program.url(), "POST", "/", &signed("POST", &own)).reply();
    assert_eq!(reply.error().1, "TemplateNotFound");
}

#[test]
fn a_signal_ends_it_cleanly_and_it_has_printed_one_line() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let mut program = Program::start(&[]);
        let id = libc::pid_t::try_from(program.child.id()).unwrap();
        #[expect(
            unsafe_code,
            reason = "the standard library sends no signal but SIGKILL"
        )]
        // SAFETY: kill touches no memory; the child is ours and has not been waited for.
        let sent = unsafe { libc::kill(id, signal) };
        assert_eq!(sent, 0);
        assert!(program.child.wait().unwrap().success(), "{signal}");
        let mut rest = String::new();
        program.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn a_wrong_flag_is_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_alicloud-live-mock"))
        .arg("--template=name=x")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a template needs an id"));
}
