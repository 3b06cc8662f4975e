//! Compares recordings of real endpoints, the files in `tests/recorded`, with the mock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use alicloud_live_mock::{
    JobPatch, JobStatus, Mock, MockSettings, Recording, SignatureCheck, Template, TemplateType,
    TimeFormat,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::caller::{NEW_JOB, call, create, mock, mock_with, send, send_v3, signed};

/// A mock that forwards its calls to another and records them.
struct Recorder {
    mock: Mock,
    file: PathBuf,
    _directory: tempfile::TempDir,
}

impl Recorder {
    fn start(upstream: &Mock) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("case.jsonl");
        let recording = Recording {
            upstream: upstream.url().parse().unwrap(),
            file: file.clone(),
        };
        Self {
            mock: mock_with(|settings| settings.recording = Some(recording)),
            file,
            _directory: directory,
        }
    }

    /// Returns the recording, which must contain none of these secrets.
    #[track_caller]
    fn exchanges_without(&self, secrets: &[&str]) -> Vec<Value> {
        let text = fs::read_to_string(&self.file).unwrap();
        for secret in secrets {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        exchanges(&self.file)
    }
}

fn exchanges(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Replays a recording and returns the differences.
fn differences(exchanges: &[Value]) -> Vec<String> {
    let mock = mock_of(exchanges);
    // The service assigns IDs of jobs: those of the recording, with the IDs that the mock has assigned.
    let mut ids = BTreeMap::new();
    let mut differences = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let action = exchange["action"].as_str().unwrap();
        let parameters: Vec<(String, String)> = exchange["parameters"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().unwrap();
                let ours = ids.get(value).map_or(value, String::as_str);
                (name.clone(), ours.to_owned())
            })
            .collect();
        let own = parameters.iter().map(|(name, value)| (&**name, &**value));
        let response = if exchange["signature_version"] == "v3" {
            send_v3(&mock.url(), "live.test", action, &own.collect::<Vec<_>>())
        } else {
            let all: Vec<(&str, &str)> = own.chain([("Action", action)]).collect();
            send(&mock.url(), "POST", "/", &signed("POST", &all))
        };
        let response = response.response();
        let (there, here) = (&exchange["body"], &response.json());
        let mut compare = |what: &str, there: &Value, here: &Value| {
            if there != here {
                let number = index + 1;
                differences.push(format!(
                    "line {number}, {action}: {what}: recorded {there}, here {here}"
                ));
            }
        };
        compare("status", &exchange["status"], &json!(response.status()));
        let has_date = response.header("date").is_some();
        compare("Date", &exchange["has_date"], &json!(has_date));
        let (recorded, own) = (shape(there), shape(here));
        for path in recorded.union(&own) {
            let is_in = |shape: &BTreeSet<String>| json!(shape.contains(path));
            compare(path, &is_in(&recorded), &is_in(&own));
        }
        for path in [
            "Code",
            "Job/Status",
            "Job/StreamInput",
            "Job/StreamOutput",
            "Job/Type",
        ] {
            let path = format!("/{path}");
            let value = |body: &Value| json!(body.pointer(&path));
            compare(&path, &value(there), &value(here));
        }
        if let (Some(there), Some(here)) = (there["JobId"].as_str(), here["JobId"].as_str()) {
            ids.insert(there.to_owned(), here.to_owned());
        }
    }
    differences
}

/// Starts a mock with the clusters and templates of a recording, and the jobs that it shows and does not create.
fn mock_of(exchanges: &[Value]) -> Mock {
    let (mut clusters, mut known) = (BTreeSet::new(), BTreeSet::new());
    let (mut templates, mut jobs) = (BTreeMap::new(), Vec::new());
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange["status"] == 200)
    {
        let body = &exchange["body"];
        let cluster_id = text(&exchange["parameters"], "ClusterId");
        clusters.extend(cluster_id.clone());
        if exchange["action"] == "CreateEdgeTranscodeJob" {
            known.extend(text(body, "JobId"));
        }
        for job in shown(body, "Job") {
            if let Some(template) = template_of(job, "TemplateName") {
                let id = template.template_id.clone();
                templates.entry(id).or_insert(template);
            }
            if let Some(job_id) = text(job, "JobId")
                && known.insert(job_id)
            {
                jobs.push(job_of(cluster_id.clone(), job));
            }
        }
        let listed = shown(body, "Template").filter_map(|shown| template_of(shown, "Name"));
        templates.extend(listed.map(|template| (template.template_id.clone(), template)));
    }
    mock_with(|settings| {
        settings.clusters = clusters.into_iter().collect();
        settings.templates = templates.into_values().collect();
        settings.jobs = jobs;
    })
}

/// Returns the objects of this kind in a response: one, or a list.
fn shown<'a>(body: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    let listed = body[format!("{kind}List")][kind].as_array();
    listed.into_iter().flatten().chain(body.get(kind))
}

fn text(object: &Value, name: &str) -> Option<String> {
    object[name].as_str().map(str::to_owned)
}

/// Returns the template that a job or a template shows, with its name in this member.
fn template_of(shown: &Value, name: &str) -> Option<Template> {
    let id = shown["TemplateId"].as_str()?;
    let name = shown[name].as_str().unwrap_or(id);
    let codec = shown["Codec"].as_str().unwrap_or("H.264");
    let r#type = type_of(shown).unwrap_or_default();
    Some(Template::new(id, name, r#type, codec))
}

fn type_of(shown: &Value) -> Option<TemplateType> {
    TemplateType::parse(shown["Type"].as_str()?)
}

/// Returns the job as it was shown, created now: a list omits old ones.
fn job_of(cluster_id: Option<String>, job: &Value) -> JobPatch {
    let time = |name: &str| job[name].is_string().then(OffsetDateTime::now_utc);
    JobPatch {
        cluster_id,
        job_id: text(job, "JobId"),
        name: text(job, "Name"),
        status: job["Status"].as_str().and_then(JobStatus::parse),
        stream_input: text(job, "StreamInput"),
        stream_output: text(job, "StreamOutput"),
        template_id: text(job, "TemplateId"),
        template_name: text(job, "TemplateName"),
        r#type: type_of(job),
        last_start_at: time("LastStartAt"),
        last_stop_at: time("LastStopAt"),
        ..JobPatch::default()
    }
}

/// Returns the path of each member with the type of its value.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, shape: &mut BTreeSet<String>) {
        let r#type = match value {
            Value::Object(members) => {
                for (name, value) in members {
                    walk(value, &format!("{path}/{name}"), shape);
                }
                "object"
            }
            Value::Array(items) => {
                for item in items {
                    walk(item, &format!("{path}/*"), shape);
                }
                "array"
            }
            Value::String(text) if text.len() == 20 && text.ends_with('Z') => "time",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "boolean",
            Value::Null => "null",
        };
        shape.insert(format!("{path} is of the type {type}"));
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

/// Creates, starts, stops and deletes a job through the recorder.
fn run_life_cycle(recorder: &Mock) {
    let id = create(recorder);
    let job = [("JobId", id.as_str())];
    for action in [
        "GetEdgeTranscodeJob",
        "StartEdgeTranscodeJob",
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
        "StopEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
    ] {
        call(recorder, action, &job);
    }
    call(recorder, "ListEdgeTranscodeJob", &[]);
}

#[test]
fn a_recording_contains_requests_and_responses_without_secrets() {
    let upstream = mock();
    let recorder = Recorder::start(&upstream);
    run_life_cycle(&recorder.mock);
    let calls = upstream.calls();
    assert_eq!(calls.len(), 11);
    assert!(recorder.mock.calls().is_empty() && recorder.mock.jobs().is_empty());

    let exchanges = recorder.exchanges_without(&[
        "1-0-0-ff",
        "mock-access-key",
        "in.test",
        "stream?",
        &calls[0].parameters["Signature"],
        NEW_JOB[0].1,
    ]);
    assert_eq!(exchanges.len(), 11);
    let (created, shown) = (&exchanges[0], &exchanges[1]["body"]["Job"]);
    assert_eq!(created["action"], "CreateEdgeTranscodeJob");
    assert_eq!(created["status"], 200);
    assert_eq!(exchanges[3]["body"]["Code"], "OperationDenied");
    let sent = &created["parameters"]["StreamInput"];
    assert_eq!(*sent, shown["StreamInput"]);
    assert_eq!(differences(&exchanges), [""; 0]);
}

#[test]
fn calls_with_signature_version_3_are_recorded_through_an_http_proxy_and_replayed() {
    let upstream = mock();
    let host = upstream.url().replace("http://", "");
    let recorder = Recorder::start(&upstream);
    let call = |action, own: &[(&str, &str)]| {
        let own = [&[("ClusterId", "cluster-1")], own].concat();
        send_v3(&recorder.mock.url(), &host, action, &own).response()
    };
    let id = call("CreateEdgeTranscodeJob", &NEW_JOB).job_id();
    for action in [
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
    ] {
        call(action, &[("JobId", &id)]);
    }
    let calls = upstream.calls();
    assert_eq!(calls.len(), 4);
    for call in &calls {
        assert_eq!(call.signature, SignatureCheck::Valid, "{call:?}");
        assert_eq!(call.parameters["SignatureVersion"], "3.0");
    }

    let signature = &calls[0].parameters["Signature"];
    let secrets = ["1-0-0-ff", "mock-access-key", "in.test", signature];
    let exchanges = recorder.exchanges_without(&secrets);
    assert_eq!(exchanges[0]["action"], "CreateEdgeTranscodeJob");
    assert_eq!(exchanges[3]["action"], "DeleteEdgeTranscodeJob");
    for exchange in &exchanges {
        assert_eq!(exchange["signature_version"], "v3");
    }
    assert_eq!(exchanges[3]["body"]["Code"], "OperationDenied");
    assert_eq!(differences(&exchanges), [""; 0]);
}

#[test]
fn templates_and_jobs_from_before_a_recording_are_there_in_its_replay() {
    let upstream = mock();
    for status in [JobStatus::Running, JobStatus::NotStarted] {
        upstream.seed_job(|job| {
            job.status = status;
            job.last_start_at = Some(job.create_time);
            "tpl-uhd-4k".clone_into(&mut job.template_id);
        });
    }
    let [running, stopped] = [0, 1].map(|index| upstream.jobs()[index].job_id.clone());
    let recorder = Recorder::start(&upstream);
    let template = [("TemplateId", "tpl-h265-1080p")];
    call(&recorder.mock, "GetEdgeTranscodeTemplate", &template);
    let codec = [("VideoCodec", "H.265")];
    call(&recorder.mock, "ListEdgeTranscodeTemplate", &codec);
    call(
        &recorder.mock,
        "GetEdgeTranscodeJob",
        &[("JobId", &running)],
    );
    let created = create(&recorder.mock);
    call(&recorder.mock, "ListEdgeTranscodeJob", &[]);
    for (action, id) in [
        ("StartEdgeTranscodeJob", &stopped),
        ("StopEdgeTranscodeJob", &running),
        ("DeleteEdgeTranscodeJob", &running),
        ("GetEdgeTranscodeJob", &running),
        ("DeleteEdgeTranscodeJob", &created),
    ] {
        call(&recorder.mock, action, &[("JobId", id)]);
    }
    call(&recorder.mock, "ListEdgeTranscodeJob", &[("Status", "1")]);
    assert_eq!(differences(&exchanges(&recorder.file)), [""; 0]);
}

#[test]
fn the_mock_conforms_to_each_recording() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut replayed = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let differences = differences(&exchanges(&path));
            assert_eq!(differences, [""; 0], "{}", path.display());
            replayed += 1;
        }
    }
    assert!(replayed > 0);
}

#[test]
fn differences_between_an_endpoint_and_the_mock_are_reported() {
    let upstream = mock();
    upstream.configure(|behavior| {
        behavior.lowercase_stream_hosts = true;
        behavior.time_format = TimeFormat::Offset;
        behavior.numbers_as_strings = true;
        behavior.omit_date_header = true;
        behavior.delete_while_running = true;
    });
    let recorder = Recorder::start(&upstream);
    let upper = NEW_JOB.map(|(name, value)| (name, value.replace("in.test", "IN.test")));
    let upper = upper.each_ref().map(|(name, value)| (*name, &**value));
    let id = call(&recorder.mock, "CreateEdgeTranscodeJob", &upper).job_id();
    let job = [("JobId", id.as_str())];
    for action in [
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "ListEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
    ] {
        call(&recorder.mock, action, &job);
    }
    let message = differences(&exchanges(&recorder.file)).join("\n");
    for part in [
        "line 1, CreateEdgeTranscodeJob: Date: recorded false",
        "line 3, GetEdgeTranscodeJob: /Job/StreamInput: recorded \"rtmp://host-",
        "/Job/CreateTime is of the type string: recorded true",
        "/TotalCount is of the type string: recorded true",
        "line 5, DeleteEdgeTranscodeJob: status: recorded 200, here 403",
    ] {
        assert!(message.contains(part), "{part}:\n{message}");
    }
}

#[test]
fn a_call_that_cannot_be_recorded_is_explained() {
    let upstream = mock();
    let recorder = Recorder::start(&upstream);
    let url = recorder.mock.url();
    let response = send_v3(&url, "live.test", "ListEdgeTranscodeJob", &[]).response();
    assert_eq!(response.error(), "400 InvalidSignatureMethod");
    let message = response.message();
    assert!(message.contains("HTTP proxy"), "{message}");
    assert_eq!(upstream.calls(), []);
    drop(upstream);
    let response = call(&recorder.mock, "ListEdgeTranscodeJob", &[]);
    assert_eq!(response.error(), "502 ServiceUnavailable");
    let message = response.message();
    assert!(!message.contains("Signature="), "{message}");
    let nowhere: MockSettings = serde_json::from_value(json!({
        "recording": {"upstream": "https://live.aliyuncs.com", "file": recorder.file.join("case")}
    }))
    .unwrap();
    let error = Mock::start(nowhere).err().unwrap().to_string();
    assert!(error.contains("cannot record to"), "{error}");
}
