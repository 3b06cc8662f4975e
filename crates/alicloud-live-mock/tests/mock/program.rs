//! Tests the program.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, MockSettings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::TOP;
use crate::caller::{HttpResponse, get, post, post_form, send, send_raw, signed, with_action};

/// A running mock, with the rest of its stdout. Dropping it kills it.
pub(crate) struct Program {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    first_line: String,
}

impl Program {
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(Command::new(PROGRAM).args(arguments))
    }

    /// Starts the mock with this configuration file.
    #[track_caller]
    pub(crate) fn configured(config: &str) -> Self {
        let (_directory, file) = config_file(config);
        Self::start(&["--config", &file])
    }

    /// Starts the mock with a command of the caller.
    #[track_caller]
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        Self {
            child,
            stdout,
            first_line,
        }
    }

    #[track_caller]
    pub(crate) fn url(&self) -> &str {
        self.first_line
            .strip_prefix("listening on ")
            .unwrap()
            .trim_end()
    }

    /// Returns its peak memory in KiB.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let (_, peak) = status.split_once("VmHWM:").unwrap();
        let (peak, _) = peak.split_once("kB").unwrap();
        peak.trim().parse().unwrap()
    }

    /// Kills it with `SIGKILL` and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signed call of `action` on `cluster-1`. Returns the response.
    #[track_caller]
    pub(crate) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> HttpResponse {
        post_form(
            self.url(),
            &signed("POST", &with_action(action, parameters)),
        )
    }

    /// Returns the JSON of a request to the control API.
    #[track_caller]
    pub(crate) fn shown(&self, path: &str) -> Value {
        get(self.url(), path).json()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a configuration file. Returns its directory, which removes it when it is dropped, and its path.
pub(crate) fn config_file(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mock.json");
    fs::write(&file, text).unwrap();
    (directory, file.to_str().unwrap().to_owned())
}

/// Returns the error of a mock that does not start.
#[track_caller]
pub(crate) fn start_error(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

/// The path of the program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_alicloud-live-mock");

#[test]
fn it_prints_its_address_and_serves_the_clusters_and_templates_of_the_options() {
    let template = "id=own,type=ultra-hd,codec=H.265,cluster=cluster-2";
    let program = Program::start(&["--cluster", "cluster-2", "--template", template]);
    let url = program.url();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let get = |cluster| {
        let own = [
            ("Action", "GetEdgeTranscodeTemplate"),
            ("ClusterId", cluster),
            ("TemplateId", "own"),
        ];
        post_form(url, &signed("POST", &own))
    };
    let shown = get("cluster-2").json();
    for (name, value) in [("Name", "own"), ("Type", "ultra-hd"), ("Codec", "H.265")] {
        assert_eq!(shown["Template"][name], value);
    }
    assert_eq!(get("cluster-1").error(), "404 TemplateNotFound");
}

#[test]
fn a_signal_stops_it_cleanly_after_one_line_of_output() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::start(&[]);
        kill_process(Pid::from_child(&program.child), signal).unwrap();
        assert!(program.child.wait().unwrap().success(), "{signal:?}");
        let mut rest = String::new();
        program.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn an_invalid_option_is_explained() {
    let without_scheme =
        "expected a URL such as https://live.aliyuncs.com, not `live.aliyuncs.com:443`";
    for (option, complaint) in [
        ("--template=", "expected name=value, not ``"),
        ("--template=id", "expected name=value, not `id`"),
        ("--template=name=n", "expected id=ID"),
        (
            "--template=id=t,type=hd",
            "expected the type common, nbhd-2 or ultra-hd, not `hd`",
        ),
        ("--template=id=t,colour=red", "unknown field `colour`"),
        ("--upstream=live.aliyuncs.com:443", without_scheme),
        ("--upstream=ftp://live.test", "not `ftp://live.test`"),
        ("--upstream=https://", "not `https://`"),
    ] {
        let mut command = Command::new(PROGRAM);
        command.arg(option);
        if option.starts_with("--upstream") {
            command.arg("--record=/dev/null");
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(complaint), "{error}");
    }
}

fn help() -> String {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_contains_first_use_defaults_and_environment() {
    let help = help();
    let defaults = MockSettings::default();
    let (cluster, listen) = (&defaults.clusters[0], defaults.listen.to_string());
    let templates = defaults.templates.iter();
    let expected = [
        DEFAULT_ACCESS_KEY_ID,
        DEFAULT_ACCESS_KEY_SECRET,
        cluster,
        &listen,
    ]
    .into_iter()
    .chain(templates.map(|template| template.template_id.as_str()))
    .chain([
        "export LIVE_ENDPOINT=http://127.0.0.1:8080",
        "ALICLOUD_LIVE_MOCK_CONFIG",
        "/_mock/openapi.json",
    ]);
    for word in expected {
        assert!(help.contains(word), "{word} is not in the help:\n{help}");
    }
    let longest = help.lines().map(|line| line.chars().count()).max();
    assert!(longest.unwrap() <= 120, "{help}");
}

#[test]
fn the_configuration_file_in_the_help_is_valid() {
    let help = help();
    let (_, from) = help.split_once("every key optional:\n").unwrap();
    let (shown, _) = from.split_once("  Further keys").unwrap();
    let program = Program::configured(&shown.replace("127.0.0.1:8080", "127.0.0.1:0"));
    assert_eq!(program.shown("/_mock/jobs")[0]["Name"], "camera-1");
}

#[test]
fn it_starts_with_the_configuration_file_and_the_command_line_adds_to_it() {
    let config = format!("--config={TOP}/examples/mock/mock.json");
    let program = Program::start(&[&config, "--cluster=c"]);

    let jobs = program.shown("/_mock/jobs");
    assert_eq!(jobs[0]["JobId"], "job-made-by-hand");
    assert_eq!(jobs[0]["Type"], "ultra-hd");
    assert_eq!(jobs[0]["TemplateName"], "tpl-own");
    let overview = program.shown("/_mock/overview");
    let clusters = overview["clusters"].as_array().unwrap().iter();
    let clusters: Vec<_> = clusters.map(|cluster| &cluster["ClusterId"]).collect();
    assert_eq!(clusters, ["cluster-1", "cluster-2", "c"]);
    let behavior = program.shown("/_mock/behavior");
    assert_eq!(behavior["max_running_jobs"], 1);
    let unknown = [("JobId", "none")];
    let rejected = program.call("StartEdgeTranscodeJob", &unknown);
    assert_eq!(rejected.error(), "500 InternalError");

    // A reset restores the configuration.
    send(program.url(), "DELETE", "/_mock/jobs/job-made-by-hand", "").response();
    post(program.url(), "/_mock/reset", "");
    // The times are those of the reset.
    let settings = |mut jobs: Value| {
        for job in jobs.as_array_mut().unwrap() {
            let is_time = |name: &str| name.ends_with("Time") || name.ends_with("At");
            job.as_object_mut()
                .unwrap()
                .retain(|name, _| !is_time(name));
        }
        jobs
    };
    assert_eq!(settings(program.shown("/_mock/jobs")), settings(jobs));
    assert_eq!(program.shown("/_mock/faults")[0]["hits"], 0);
}

#[test]
fn a_mistake_in_the_configuration_file_is_reported_with_its_key_and_what_was_expected() {
    let (_directory, file) = config_file("");
    for (text, complaint) in [
        ("", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("{} {}", "trailing characters"),
        (
            r#"{"cluster": []}"#,
            "cluster: unknown field `cluster`, expected one of `listen`",
        ),
        (
            r#"{"clusters": "c"}"#,
            r#"clusters: invalid type: string "c", expected a sequence"#,
        ),
        (r#"{"clusters": []}"#, "clusters: expected at least one"),
        (
            r#"{"request_timeout_ms": 0}"#,
            "request_timeout_ms: expected at least 1",
        ),
        (
            r#"{"behavior": {"rate_window_ms": 0}}"#,
            "behavior.rate_window_ms: expected at least 1",
        ),
        (
            r#"{"access_key_id": ""}"#,
            "access_key_id: expected an ID that does not begin with STS.",
        ),
        (
            r#"{"access_key_id": "STS.mine"}"#,
            "access_key_id: expected an ID that does not begin with STS.",
        ),
        (
            r#"{"listen": "8080"}"#,
            "listen: expected ADDRESS:PORT such as 127.0.0.1:8080",
        ),
        (
            r#"{"behavior": {"max_running_jobs": "two"}}"#,
            r#"behavior.max_running_jobs: invalid type: string "two", expected usize"#,
        ),
        (
            r#"{"behavior": {"online_inputs": ["in.test/app/s"]}}"#,
            "behavior.online_inputs[0]: expected a URL such as rtmp://domain/app/stream, not `in.test/app/s`",
        ),
        (
            r#"{"recording": {"upstream": "live.aliyuncs.com:443", "file": "/dev/null"}}"#,
            "recording.upstream: expected a URL such as https://live.aliyuncs.com, not `live.aliyuncs.com:443`",
        ),
        (
            r#"{"jobs": [{"Nme": "x"}]}"#,
            "jobs[0].Nme: unknown field `Nme`, expected one of",
        ),
        (
            r#"{"jobs": [{}, {"Status": "2"}]}"#,
            r#"jobs[1].Status: expected "0" or "1", not `2`"#,
        ),
        (
            r#"{"jobs": [{"CreateTime": "today"}]}"#,
            "jobs[0].CreateTime: expected a time such as 2023-07-24T16:44:55Z, not `today`",
        ),
        (
            r#"{"jobs": [{"ClusterId": "c"}]}"#,
            "jobs[0].ClusterId: expected one of clusters, not `c`",
        ),
        (
            r#"{"jobs": [{"TemplateId": "t"}]}"#,
            "jobs[0].TemplateId: expected one of templates, not `t`",
        ),
        (
            r#"{"jobs": [{"JobId": "j"}, {"JobId": "j"}]}"#,
            "jobs[1].JobId: expected an ID that no earlier job has",
        ),
        (
            r#"{"templates": [{}]}"#,
            "templates[0].TemplateId: expected an ID",
        ),
        (
            r#"{"templates": [{"TemplateId": "t", "Type": "hd"}]}"#,
            "templates[0].Type: unknown variant `hd`, expected one of `common`",
        ),
        (
            r#"{"templates": [{"TemplateId": "t", "ClusterId": "c"}]}"#,
            "templates[0].ClusterId: expected one of clusters",
        ),
        (
            r#"{"faults": [{"kind": "dorp"}]}"#,
            "faults[0].kind: unknown variant `dorp`, expected one of",
        ),
        (
            r#"{"faults": [{"kind": "drop", "action": "Create"}]}"#,
            "faults[0]: action: expected the name of an operation",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let error = start_error(&["--config", &file]);
        let expected = format!("alicloud-live-mock: {file}: {complaint}");
        assert!(error.starts_with(&expected), "{text}: {error}");
    }
    fs::write(
        &file,
        r#"{"jobs": [{"ClusterId": "c", "TemplateId": "t"}]}"#,
    )
    .unwrap();
    let options = [
        "--config",
        &file,
        "--listen",
        "127.0.0.1:0",
        "--cluster",
        "c",
        "--template",
    ];
    let error = start_error(&[&options[..], &["id=t,cluster=d"]].concat());
    assert!(
        error.contains("ClusterId: expected one of clusters, not `d`"),
        "{error}"
    );
    Program::start(&[&options[..], &["id=t,cluster=c"]].concat());
    fs::remove_file(&file).unwrap();
    assert!(start_error(&["--config", &file]).contains("mock.json: No such file"));
}

#[test]
fn an_address_in_use_is_reported() {
    let first = Program::start(&[]);
    let taken = first.url().trim_start_matches("http://");
    let error = start_error(&["--listen", taken]);
    let expected = format!("alicloud-live-mock: cannot listen on {taken}: ");
    assert!(error.starts_with(&expected), "{error}");
}

/// Checks the Dockerfile, because CI does not build the image.
#[test]
fn the_dockerfile_builds_and_copies_the_mock() {
    let read = |name: &str| fs::read_to_string(Path::new(TOP).join(name)).unwrap();
    let file = read("examples/mock/Dockerfile");
    let rust = read("Cargo.toml");
    let mut lines = rust.lines();
    let rust = lines.find_map(|line| line.strip_prefix("rust-version = "));
    let rust = rust.unwrap().trim_matches('"');
    let image = format!("FROM rust:{rust}-bookworm AS build");
    let build = "RUN cargo build --locked --release --package alicloud-live-mock";
    let copy = "COPY --from=build /source/target/release/alicloud-live-mock /usr/local/bin/";
    for line in [&image, "WORKDIR /source", "COPY . .", build, copy] {
        assert!(file.lines().any(|found| found == line), "{line}\n\n{file}");
    }
    // The program has the name of its package.
    assert_eq!(env!("CARGO_PKG_NAME"), "alicloud-live-mock");
    assert!(PROGRAM.ends_with("/alicloud-live-mock"), "{PROGRAM}");
    let ignored = read(".dockerignore");
    for directory in ["/target", "/.git", "/.tools"] {
        assert!(ignored.lines().any(|line| line == directory), "{directory}");
    }
}

#[test]
fn the_command_of_the_dockerfile_starts_the_program() {
    let file = Path::new(TOP).join("examples/mock").join("Dockerfile");
    let file = fs::read_to_string(file).unwrap();
    let line = |name: &str| -> Vec<String> {
        let line = file.lines().find_map(|line| line.strip_prefix(name));
        serde_json::from_str(line.unwrap()).unwrap()
    };
    let arguments = [line("ENTRYPOINT "), line("CMD ")].concat();
    assert_eq!(arguments[0], "alicloud-live-mock");
    let mut command = Command::new(PROGRAM);
    for argument in &arguments[1..] {
        command.arg(argument.replace(":8080", ":0"));
    }
    let program = Program::spawn(command.stderr(Stdio::null()));
    let port = program.url().rsplit_once(':').unwrap().1.to_owned();
    let request = "GET /_mock/ready HTTP/1.1\r\nHost: mock:8080\r\nConnection: close\r\n\r\n";
    let url = format!("http://127.0.0.1:{port}");
    let response = send_raw(&url, request.as_bytes()).response();
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.json()["ready"], true);
}
