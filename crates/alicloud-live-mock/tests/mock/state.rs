//! The state file, over processes that are killed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use alicloud_live_mock::{Mock, MockSettings};
use serde_json::{Value, json};

use crate::caller::{NEW_JOB, PATIENCE, Reply, call, send, signed, with_action};
use crate::program::{Program, refusal};

const CREATE: &str = "CreateEdgeTranscodeJob";

/// A folder with a place for the file.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    #[track_caller]
    fn start(&self, more: &[&str]) -> Program {
        let file = self.file();
        Program::start(&[&["--state-file", file.to_str().unwrap()], more].concat())
    }
}

fn job_id(reply: &Reply) -> String {
    assert_eq!(reply.status(), 200, "{reply:?}");
    reply.json()["JobId"].as_str().unwrap().to_owned()
}

fn ids(jobs: &Value) -> Vec<String> {
    let jobs = jobs.as_array().unwrap().iter();
    jobs.map(|job| job["JobId"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let place = Place::new();
    let mut made = Vec::new();
    for _ in 0..5 {
        let program = place.start(&[]);
        assert_eq!(ids(&program.shown("/_mock/jobs")), made);
        made.push(job_id(&program.call(CREATE, &NEW_JOB)));
        program.kill();
    }
    let program = place.start(&[]);
    let job = [("JobId", made[0].as_str())];
    for action in ["StartEdgeTranscodeJob", "StopEdgeTranscodeJob"] {
        job_id(&program.call(action, &job));
    }
    let renamed = [job[0], ("Name", "renamed")];
    job_id(&program.call("UpdateEdgeTranscodeJob", &renamed));
    let gone = [("JobId", made[1].as_str())];
    assert_eq!(program.call("DeleteEdgeTranscodeJob", &gone).status(), 200);
    let jobs = program.shown("/_mock/jobs");
    program.kill();

    let shown = place.start(&[]).shown("/_mock/jobs");
    assert_eq!(shown, jobs);
    assert_eq!(shown[0]["Name"], "renamed");
    assert!(shown[0]["LastStopAt"].is_string());
}

#[test]
fn a_kill_in_the_midst_of_many_creates_loses_none_that_was_answered() {
    const CALLERS: usize = 4;
    let place = Place::new();
    let mut answered = BTreeSet::new();
    for _ in 0..5 {
        let program = place.start(&[]);
        let (sender, answers) = mpsc::channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (url, sender) = (program.url().to_owned(), sender.clone());
                thread::spawn(move || create_until_it_dies(&url, &sender))
            })
            .collect();
        drop(sender);
        // Every caller has sent its next one by now, or is about to.
        answered.extend(answers.iter().take(20));
        program.kill();
        answered.extend(answers.iter());
        for caller in callers {
            caller.join().unwrap();
        }
        let program = place.start(&[]);
        let there: BTreeSet<_> = ids(&program.shown("/_mock/jobs")).into_iter().collect();
        assert!(there.is_superset(&answered));
        // Whose answer was lost may have been made, one for each caller.
        assert!(there.len() <= answered.len() + CALLERS, "{}", there.len());
        answered = there;
    }
}

fn create_until_it_dies(url: &str, answers: &mpsc::Sender<String>) {
    while let Some(reply) = try_to_create(url) {
        if answers.send(job_id(&reply)).is_err() {
            return;
        }
    }
}

/// None if the mock died before it had answered.
fn try_to_create(url: &str) -> Option<Reply> {
    let body = signed("POST", &with_action(CREATE, &NEW_JOB));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty()).then_some(Reply { bytes })
}

#[test]
fn a_signed_request_runs_once_though_the_mock_was_killed_in_between() {
    let place = Place::new();
    let form = signed("POST", &with_action(CREATE, &NEW_JOB));
    let program = place.start(&[]);
    job_id(&send(program.url(), "POST", "/", &form).reply());
    program.kill();
    let program = place.start(&[]);
    let again = send(program.url(), "POST", "/", &form).reply();
    assert_eq!(again.error(), (400, "SignatureNonceUsed".to_owned()));
}

#[test]
fn a_seeded_mock_makes_no_id_again() {
    let place = Place::new();
    let seed = ["--seed", "1"];
    let program = place.start(&seed);
    let first = job_id(&program.call(CREATE, &NEW_JOB));
    program.kill();
    assert_ne!(job_id(&place.start(&seed).call(CREATE, &NEW_JOB)), first);
}

#[test]
fn the_jobs_of_the_configuration_come_once_and_with_a_reset() {
    let place = Place::new();
    let config = place.folder.path().join("mock.json");
    fs::write(&config, json!({"jobs": [{"JobId": "j"}]}).to_string()).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    let program = place.start(&config);
    assert_eq!(ids(&program.shown("/_mock/jobs")), ["j"]);
    let delete = [("JobId", "j")];
    assert_eq!(
        program.call("DeleteEdgeTranscodeJob", &delete).status(),
        200
    );
    program.kill();
    let program = place.start(&config);
    assert_eq!(program.shown("/_mock/jobs"), json!([]));
    send(program.url(), "POST", "/_mock/reset", "").reply();
    program.kill();
    assert_eq!(ids(&place.start(&config).shown("/_mock/jobs")), ["j"]);
}

#[test]
fn what_the_control_door_does_to_jobs_is_kept_too() {
    let place = Place::new();
    let program = place.start(&[]);
    for id in ["a", "b"] {
        let seed = json!({"JobId": id}).to_string();
        send(program.url(), "POST", "/_mock/jobs", &seed).reply();
    }
    send(program.url(), "DELETE", "/_mock/jobs/a", "").reply();
    program.kill();
    assert_eq!(ids(&place.start(&[]).shown("/_mock/jobs")), ["b"]);
}

#[test]
fn a_damaged_file_stops_the_start_and_stays_as_it_is() {
    let place = Place::new();
    let program = place.start(&[]);
    job_id(&program.call(CREATE, &NEW_JOB));
    program.kill();
    let mut broken = fs::read(place.file()).unwrap();
    let last = broken.len() - 2;
    broken[last] = b'x';
    fs::write(place.file(), &broken).unwrap();
    let refusal = refusal(&["--state-file", place.file().to_str().unwrap()]);
    for part in [
        "state.json is damaged: line 2: ",
        "expected `,` or `}`",
        "move it away to begin without it",
    ] {
        assert!(refusal.contains(part), "{refusal}");
    }
    assert_eq!(fs::read(place.file()).unwrap(), broken);
}

#[test]
fn a_second_mock_on_the_same_file_is_refused() {
    let place = Place::new();
    let first = place.start(&[]);
    let id = job_id(&first.call(CREATE, &NEW_JOB));
    let refusal = refusal(&["--state-file", place.file().to_str().unwrap()]);
    assert!(
        refusal.contains("state.json is in use by another mock"),
        "{refusal}"
    );
    assert_eq!(ids(&first.shown("/_mock/jobs")), [id]);
}

/// What a container's runtime does with a single file: the name cannot be replaced, and there is no other way to it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_directory_cannot_be_written_is_enough() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    let folder = place.folder.path();
    let set = |mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    let program = place.start(&[]);
    let made = job_id(&program.call(CREATE, &NEW_JOB));
    program.kill();
    let shown = ids(&place.start(&[]).shown("/_mock/jobs"));
    set(0o755);
    assert_eq!(shown, [made]);
    let names: Vec<_> = fs::read_dir(folder).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing was written beside it: {names:?}");
}

#[test]
fn a_place_where_nothing_can_be_written_stops_the_start() {
    let place = Place::new();
    let nowhere = place.folder.path().join("no-folder/state.json");
    let refusal = refusal(&["--state-file", nowhere.to_str().unwrap()]);
    assert!(
        refusal.contains("no-folder/state.json cannot be opened: "),
        "{refusal}"
    );
}

#[test]
fn a_change_that_cannot_be_kept_is_not_answered_as_done() {
    let place = Place::new();
    let mock = Mock::start(MockSettings {
        state_file: Some(place.file()),
        ..MockSettings::default()
    })
    .unwrap();
    drop(place);
    let reply = call(&mock, CREATE, &NEW_JOB);
    assert_eq!(reply.error(), (500, "InternalError".to_owned()));
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("state.json cannot be written"),
        "{message}"
    );
}
