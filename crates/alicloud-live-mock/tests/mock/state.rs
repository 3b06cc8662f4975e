//! Tests the state file with processes that are killed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::caller::{
    HttpResponse, NEW_JOB, TIMEOUT, call, mock_with, post, post_form, send, signed, with_action,
};
use crate::program::{Program, config_file, start_error};

const CREATE: &str = "CreateEdgeTranscodeJob";

/// A temporary directory for the state file.
struct StateDirectory(tempfile::TempDir);

impl StateDirectory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("state.json")
    }

    #[track_caller]
    fn start(&self, more: &[&str]) -> Program {
        let file = self.file();
        Program::start(&[&["--state-file", file.to_str().unwrap()], more].concat())
    }
}

fn ids(jobs: &Value) -> Vec<String> {
    let jobs = jobs.as_array().unwrap().iter();
    jobs.map(|job| job["JobId"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn changes_with_a_response_survive_a_kill() {
    let directory = StateDirectory::new();
    let mut created = Vec::new();
    for _ in 0..5 {
        let program = directory.start(&[]);
        assert_eq!(ids(&program.shown("/_mock/jobs")), created);
        created.push(program.call(CREATE, &NEW_JOB).job_id());
        program.kill();
    }
    let program = directory.start(&[]);
    let job = [("JobId", created[0].as_str())];
    for action in ["StartEdgeTranscodeJob", "StopEdgeTranscodeJob"] {
        program.call(action, &job).job_id();
    }
    let renamed = [job[0], ("Name", "renamed")];
    program.call("UpdateEdgeTranscodeJob", &renamed).job_id();
    let gone = [("JobId", created[1].as_str())];
    assert_eq!(program.call("DeleteEdgeTranscodeJob", &gone).status(), 200);
    let jobs = program.shown("/_mock/jobs");
    program.kill();

    let shown = directory.start(&[]).shown("/_mock/jobs");
    assert_eq!(shown, jobs);
    assert_eq!(shown[0]["Name"], "renamed");
    assert!(shown[0]["LastStopAt"].is_string());
}

#[test]
fn a_kill_during_many_creates_loses_none_that_had_a_response() {
    const CALLERS: usize = 4;
    let directory = StateDirectory::new();
    let mut acknowledged = BTreeSet::new();
    for _ in 0..5 {
        let program = directory.start(&[]);
        let (sender, receiver) = mpsc::channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (url, sender) = (program.url().to_owned(), sender.clone());
                thread::spawn(move || create_until_killed(&url, &sender))
            })
            .collect();
        drop(sender);
        // By now every caller has sent its next call, or is about to.
        acknowledged.extend(receiver.iter().take(20));
        program.kill();
        acknowledged.extend(receiver.iter());
        for caller in callers {
            caller.join().unwrap();
        }
        let program = directory.start(&[]);
        let there: BTreeSet<_> = ids(&program.shown("/_mock/jobs")).into_iter().collect();
        assert!(there.is_superset(&acknowledged));
        // One create for each caller may have lost its response.
        assert!(
            there.len() <= acknowledged.len() + CALLERS,
            "{}",
            there.len()
        );
        acknowledged = there;
    }
}

fn create_until_killed(url: &str, sender: &mpsc::Sender<String>) {
    while let Some(response) = try_to_create(url) {
        if sender.send(response.job_id()).is_err() {
            return;
        }
    }
}

/// Creates a job. Returns `None` if the mock was killed before its response.
fn try_to_create(url: &str) -> Option<HttpResponse> {
    let body = signed("POST", &with_action(CREATE, &NEW_JOB));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty()).then_some(HttpResponse { bytes })
}

#[test]
fn a_signed_request_is_served_once_across_a_kill() {
    let directory = StateDirectory::new();
    let form = signed("POST", &with_action(CREATE, &NEW_JOB));
    let program = directory.start(&[]);
    post_form(program.url(), &form).job_id();
    program.kill();
    let program = directory.start(&[]);
    let again = post_form(program.url(), &form);
    assert_eq!(again.error(), "400 SignatureNonceUsed");
}

#[test]
fn a_mock_with_a_seed_repeats_no_id_after_a_kill() {
    let directory = StateDirectory::new();
    let (_config, config) = config_file(r#"{"seed": 1}"#);
    let seed = ["--config", &config];
    let program = directory.start(&seed);
    let first = program.call(CREATE, &NEW_JOB).job_id();
    program.kill();
    assert_ne!(
        directory.start(&seed).call(CREATE, &NEW_JOB).job_id(),
        first
    );
}

#[test]
fn the_jobs_of_the_configuration_file_are_created_once_and_by_a_reset() {
    let directory = StateDirectory::new();
    let (_config, config) = config_file(r#"{"jobs": [{"JobId": "j"}]}"#);
    let config = ["--config", &config];
    let program = directory.start(&config);
    assert_eq!(ids(&program.shown("/_mock/jobs")), ["j"]);
    let delete = [("JobId", "j")];
    let deleted = program.call("DeleteEdgeTranscodeJob", &delete);
    assert_eq!(deleted.status(), 200);
    program.kill();
    let program = directory.start(&config);
    assert_eq!(program.shown("/_mock/jobs"), json!([]));
    post(program.url(), "/_mock/reset", "");
    program.kill();
    assert_eq!(ids(&directory.start(&config).shown("/_mock/jobs")), ["j"]);
}

#[test]
fn changes_of_jobs_through_the_control_api_are_saved_too() {
    let directory = StateDirectory::new();
    let program = directory.start(&[]);
    for id in ["a", "b"] {
        let seed = json!({"JobId": id}).to_string();
        post(program.url(), "/_mock/jobs", &seed);
    }
    send(program.url(), "DELETE", "/_mock/jobs/a", "").response();
    program.kill();
    assert_eq!(ids(&directory.start(&[]).shown("/_mock/jobs")), ["b"]);
}

#[test]
fn a_damaged_file_prevents_the_start_and_is_not_changed() {
    let directory = StateDirectory::new();
    let program = directory.start(&[]);
    program.call(CREATE, &NEW_JOB).job_id();
    program.kill();
    let good = fs::read_to_string(directory.file()).unwrap();
    let (_, last) = good.trim_end().rsplit_once('\n').unwrap();
    for (text, complaint) in [
        (last.to_owned(), "line 1 is not complete"),
        ("\0\0\0\0".to_owned(), "line 1 is not complete"),
        (format!("{good}x\n"), "line 3: expected value"),
        (format!("{last} x\n"), "line 1: trailing characters"),
        (
            format!("{}x\n", good.trim_end().trim_end_matches('}')),
            "line 2: nonces.?: expected `,` or `}`",
        ),
        (
            good.replace("{\"form\":1,", "{\"form\":2,"),
            "line 2: expected form 1, got 2",
        ),
        (
            good.replace("\"modified\":\"", "\"modified\":\"x"),
            "line 2: jobs[0].modified: expected a time such as",
        ),
        (
            good.replace("\"TemplateId\":", "\"Template\":"),
            "line 2: jobs[0].job.Template: unknown field `Template`",
        ),
    ] {
        fs::write(directory.file(), &text).unwrap();
        let error = start_error(&["--state-file", directory.file().to_str().unwrap()]);
        let complaint = format!("state.json is damaged: {complaint}");
        assert!(error.contains(&complaint), "{error}");
        assert!(error.contains("move it away to start without it"));
        assert_eq!(fs::read_to_string(directory.file()).unwrap(), text);
    }
}

#[test]
fn a_second_mock_with_the_same_file_does_not_start() {
    let directory = StateDirectory::new();
    let first = directory.start(&[]);
    let id = first.call(CREATE, &NEW_JOB).job_id();
    let error = start_error(&["--state-file", directory.file().to_str().unwrap()]);
    let expected = "state.json is in use by another mock";
    assert!(error.contains(expected), "{error}");
    assert_eq!(ids(&first.shown("/_mock/jobs")), [id]);
}

/// As for a single file that is mounted into a container: it cannot be replaced, and nothing can be written beside it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_in_a_read_only_directory_is_enough() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = StateDirectory::new();
    fs::write(directory.file(), "").unwrap();
    let path = directory.0.path();
    let set = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    let program = directory.start(&[]);
    let created = program.call(CREATE, &NEW_JOB).job_id();
    program.kill();
    let shown = ids(&directory.start(&[]).shown("/_mock/jobs"));
    set(0o755);
    assert_eq!(shown, [created]);
    let names: Vec<_> = fs::read_dir(path).unwrap().collect();
    // Nothing was written beside the file.
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_missing_directory_prevents_the_start() {
    let directory = StateDirectory::new();
    let nowhere = directory.0.path().join("no-directory/state.json");
    let error = start_error(&["--state-file", nowhere.to_str().unwrap()]);
    let expected = "no-directory/state.json cannot be opened: ";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_change_that_cannot_be_saved_is_an_error() {
    let directory = StateDirectory::new();
    let mock = mock_with(|settings| settings.state_file = Some(directory.file()));
    let check = || {
        let response = call(&mock, CREATE, &NEW_JOB);
        assert_eq!(response.error(), "500 InternalError");
        let message = response.message();
        assert!(
            message.contains("state.json cannot be written"),
            "{message}"
        );
    };
    fs::remove_file(directory.file()).unwrap();
    check();
    // Another file in its place would be read by a restart.
    fs::write(directory.file(), "").unwrap();
    check();
    assert_eq!(fs::read_to_string(directory.file()).unwrap(), "");
}
