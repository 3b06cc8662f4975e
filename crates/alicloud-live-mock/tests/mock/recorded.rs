//! Compares recordings of real endpoints, the files in `tests/recorded`, with the mock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use alicloud_live_mock::{Mock, MockSettings, Recording, Template, TemplateType};
use serde_json::{Value, json};

use crate::caller::{NEW_JOB, call, create, mock, send, send_v3, signed};

/// Starts a mock that forwards its calls to another.
fn recorder(upstream: &Mock, file: &Path) -> Mock {
    Mock::start(MockSettings {
        recording: Some(Recording {
            upstream: upstream.url().parse().unwrap(),
            file: file.to_owned(),
        }),
        ..MockSettings::default()
    })
    .unwrap()
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
        let mut differ = |what: &str, there: &str, here: &str| {
            let number = index + 1;
            differences.push(format!(
                "line {number}, {action}: {what}: recorded {there}, here {here}"
            ));
        };
        if exchange["status"] != response.status() {
            differ(
                "status",
                &exchange["status"].to_string(),
                &response.status().to_string(),
            );
        }
        if exchange["has_date"] != response.header("date").is_some() {
            differ("Date", &exchange["has_date"].to_string(), "the opposite");
        }
        let (recorded, own) = (shape(there), shape(here));
        for path in recorded.symmetric_difference(&own) {
            let is_there = recorded.contains(path);
            differ(path, &is_there.to_string(), &(!is_there).to_string());
        }
        for path in [
            "/Code",
            "/Job/Status",
            "/Job/StreamInput",
            "/Job/StreamOutput",
            "/Job/Type",
        ] {
            if there.pointer(path) != here.pointer(path) {
                differ(
                    path,
                    &format!("{:?}", there.pointer(path)),
                    &format!("{:?}", here.pointer(path)),
                );
            }
        }
        if let (Some(there), Some(here)) = (there["JobId"].as_str(), here["JobId"].as_str()) {
            ids.insert(there.to_owned(), here.to_owned());
        }
    }
    differences
}

/// Starts a mock with the clusters and templates of a recording.
fn mock_of(exchanges: &[Value]) -> Mock {
    let mut clusters = BTreeSet::new();
    let mut templates = BTreeMap::new();
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange["status"] == 200)
    {
        let parameters = &exchange["parameters"];
        clusters.extend(parameters["ClusterId"].as_str().map(str::to_owned));
        let body = &exchange["body"];
        let listed = body["JobList"]["Job"].as_array().into_iter().flatten();
        for job in listed.chain([&body["Job"]]) {
            if let Some(id) = job["TemplateId"].as_str() {
                let r#type = TemplateType::parse(job["Type"].as_str().unwrap_or_default());
                let name = job["TemplateName"].as_str().unwrap_or(id);
                let template = Template::new(id, name, r#type.unwrap_or_default(), "H.264");
                templates.insert(id.to_owned(), template);
            }
        }
    }
    Mock::start(MockSettings {
        clusters: clusters.into_iter().collect(),
        templates: templates.into_values().collect(),
        ..MockSettings::default()
    })
    .unwrap()
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
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("case.jsonl");
    let recorder = recorder(&upstream, &file);
    run_life_cycle(&recorder);
    assert_eq!(upstream.calls().len(), 11);
    assert!(recorder.calls().is_empty() && recorder.jobs().is_empty());

    let text = fs::read_to_string(&file).unwrap();
    let call = &upstream.calls()[0].parameters;
    for secret in [
        "1-0-0-ff",
        "mock-access-key",
        "in.test",
        "stream?",
        &call["Signature"],
        NEW_JOB[0].1,
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let exchanges = exchanges(&file);
    assert_eq!(exchanges.len(), 11);
    assert_eq!(
        (&exchanges[0]["action"], &exchanges[0]["status"]),
        (&"CreateEdgeTranscodeJob".into(), &200.into())
    );
    assert_eq!(exchanges[3]["body"]["Code"], "OperationDenied");
    assert_eq!(
        exchanges[0]["parameters"]["StreamInput"],
        exchanges[1]["body"]["Job"]["StreamInput"]
    );
    assert_eq!(differences(&exchanges), [""; 0]);
}

#[test]
fn calls_with_signature_version_3_are_recorded_through_an_http_proxy_and_replayed() {
    let upstream = mock();
    let host = upstream.url().replace("http://", "");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("case.jsonl");
    let recorder = recorder(&upstream, &file);
    let call = |action, own: &[(&str, &str)]| {
        let own = [&[("ClusterId", "cluster-1")], own].concat();
        send_v3(&recorder.url(), &host, action, &own).response()
    };
    let created = call("CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.status(), 200, "{created:?}");
    let id = created.json()["JobId"].as_str().unwrap().to_owned();
    for action in [
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
    ] {
        call(action, &[("JobId", &id)]);
    }
    let calls = upstream.calls();
    let is_valid = |call: &alicloud_live_mock::RecordedCall| {
        call.signature == alicloud_live_mock::SignatureCheck::Valid
            && call.parameters["SignatureVersion"] == "3.0"
    };
    assert!(calls.len() == 4 && calls.iter().all(is_valid), "{calls:?}");

    let text = fs::read_to_string(&file).unwrap();
    for secret in [
        "1-0-0-ff",
        "mock-access-key",
        "in.test",
        &calls[0].parameters["Signature"],
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let exchanges = exchanges(&file);
    let actions: Vec<_> = exchanges
        .iter()
        .map(|exchange| &exchange["action"])
        .collect();
    assert_eq!(actions[0], "CreateEdgeTranscodeJob");
    assert_eq!(actions[3], "DeleteEdgeTranscodeJob");
    assert!(
        exchanges
            .iter()
            .all(|exchange| exchange["signature_version"] == "v3")
    );
    assert_eq!(exchanges[3]["body"]["Code"], "OperationDenied");
    assert_eq!(differences(&exchanges), [""; 0]);
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
            assert!(
                differences.is_empty(),
                "{}:\n{}",
                path.display(),
                differences.join("\n")
            );
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
        behavior.time_format = alicloud_live_mock::TimeFormat::Offset;
        behavior.numbers_as_strings = true;
        behavior.omit_date_header = true;
        behavior.delete_while_running = true;
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("case.jsonl");
    let recorder = recorder(&upstream, &file);
    let upper = NEW_JOB.map(|(name, value)| (name, value.replace("in.test", "IN.test")));
    let upper: Vec<(&str, &str)> = upper
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let created = call(&recorder, "CreateEdgeTranscodeJob", &upper).json();
    let job = [("JobId", created["JobId"].as_str().unwrap())];
    for action in [
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "ListEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
    ] {
        call(&recorder, action, &job);
    }
    let message = differences(&exchanges(&file)).join("\n");
    for part in [
        "line 1, CreateEdgeTranscodeJob: Date: recorded false",
        "line 3, GetEdgeTranscodeJob: /Job/StreamInput: recorded Some(String(\"rtmp://host-",
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
    let directory = tempfile::tempdir().unwrap();
    let recorder = recorder(&upstream, &directory.path().join("case.jsonl"));
    let response = send_v3(&recorder.url(), "live.test", "ListEdgeTranscodeJob", &[]).response();
    assert_eq!(response.error(), (400, "InvalidSignatureMethod".to_owned()));
    let message = response.json()["Message"].to_string();
    assert!(message.contains("HTTP proxy"), "{message}");
    assert_eq!(upstream.calls(), []);
    drop(upstream);
    let response = call(&recorder, "ListEdgeTranscodeJob", &[]);
    assert_eq!(response.error(), (502, "ServiceUnavailable".to_owned()));
    let message = response.json()["Message"].to_string();
    assert!(!message.contains("Signature="), "{message}");
    let nowhere: MockSettings = serde_json::from_value(json!({
        "recording": {"upstream": "https://live.aliyuncs.com", "file": directory.path().join("none/case")}
    }))
    .unwrap();
    let error = Mock::start(nowhere).err().unwrap().to_string();
    assert!(error.contains("cannot record to"), "{error}");
}
