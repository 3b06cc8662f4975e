//! Tests that `docs/guides/testing-with-the-mock.md` agrees with the mock.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use alicloud_live_mock::{Behavior, Fault, MockSettings};
use serde_json::{Value, json};

use crate::TOP;
use crate::caller::{mock, send};
use crate::program::config_file;

fn guide() -> String {
    fs::read_to_string(Path::new(TOP).join("docs/guides/testing-with-the-mock.md")).unwrap()
}

/// Returns the cells of each row of a table, by its head.
fn table(guide: &str, head: &str, number: usize) -> Vec<Vec<String>> {
    let from = guide
        .split(head)
        .nth(number + 1)
        .unwrap_or_else(|| panic!("no table {number} with the head {head}"));
    from.lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// Returns keys with their defaults; none if the default is not JSON.
fn defaults(guide: &str, number: usize) -> BTreeMap<String, Option<Value>> {
    let rows = table(guide, "| key | default | meaning |", number);
    rows.iter()
        .map(|row| {
            let value = row[1].trim_matches('`');
            let default = match row[1].as_str() {
                "none" => Some(Value::Null),
                _ => serde_json::from_str(value).ok(),
            };
            (row[0].trim_matches('`').to_owned(), default)
        })
        .collect()
}

/// Returns the names that an error lists after "expected one of".
fn names_in(error: &str) -> Vec<String> {
    let (_, names) = error.split_once("expected one of ").unwrap();
    let quoted = names.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

fn settings_of(text: &str) -> Result<MockSettings, String> {
    let (_directory, file) = config_file(text);
    MockSettings::read(Path::new(&file))
}

#[test]
fn every_key_of_the_configuration_file_is_documented_with_its_default() {
    let documented = defaults(&guide(), 0);
    let mut keys = names_in(&settings_of("{\"x\": 1}").err().unwrap());
    keys.sort();
    assert_eq!(documented.keys().cloned().collect::<Vec<_>>(), keys);

    let settings = MockSettings::default();
    let expected = json!({
        "listen": settings.listen.to_string(),
        "allow_remote": settings.allow_remote,
        "allowed_hosts": settings.allowed_hosts,
        "access_key_id": settings.access_key_id,
        "access_key_secret": settings.access_key_secret,
        "access_keys": [],
        "security_token": null,
        "role_arn": settings.role_arn,
        "oidc_token": settings.oidc_token,
        "cloud_sso_token": settings.cloud_sso_token,
        "clusters": settings.clusters,
        "jobs": null,
        "faults": null,
        "state_file": null,
        "request_timeout_ms": settings.request_timeout_ms,
        "seed": null,
        "max_recorded_calls": settings.max_recorded_calls,
        "max_recorded_bytes": settings.max_recorded_bytes,
        "recording": null,
    });
    for (key, default) in expected.as_object().unwrap() {
        assert_eq!(documented[key].as_ref(), Some(default), "{key}");
    }
    for template in settings.templates {
        assert!(guide().contains(&format!("`{}`", template.template_id)));
    }
}

#[test]
fn every_key_of_behavior_is_documented_with_its_default() {
    let documented: BTreeMap<String, Value> = defaults(&guide(), 1)
        .into_iter()
        .map(|(key, default)| (key, default.unwrap()))
        .collect();
    let behavior = json!(Behavior::default());
    let behavior: BTreeMap<String, Value> = serde_json::from_value(behavior).unwrap();
    assert_eq!(documented, behavior);
}

#[test]
fn every_kind_of_fault_is_documented_and_accepted() {
    let guide = guide();
    let rows = table(&guide, "| kind | what the caller sees |", 0);
    let mut named = Vec::new();
    for row in rows {
        let kind = row[0].trim_matches('`');
        let rule = format!("{{\"kind\": {kind}}}");
        let _: Fault =
            serde_json::from_str(&rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
        let kind: Value = serde_json::from_str(kind).unwrap();
        let name = match &kind {
            Value::String(name) => name.clone(),
            kind => kind.as_object().unwrap().keys().next().unwrap().clone(),
        };
        named.push(name);
    }
    let mistake = settings_of(r#"{"faults": [{"kind": "x"}]}"#).err().unwrap();
    let mut kinds = names_in(&mistake);
    kinds.sort();
    named.sort();
    assert_eq!(named, kinds);
}

#[test]
fn its_configuration_file_is_valid() {
    let guide = guide();
    let (_, from) = guide.split_once("```json\n").unwrap();
    let (text, _) = from.split_once("```").unwrap();
    let settings = settings_of(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.jobs[0].name.as_deref(), Some("camera-1"));
    assert_eq!(settings.behavior.max_running_jobs, Some(10));
}

#[test]
fn its_requests_to_the_control_api_succeed() {
    let (guide, mock) = (guide(), mock());
    let requests: Vec<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("curl $LIVE_ENDPOINT"))
        .collect();
    assert_eq!(requests.len(), 10);
    for request in requests {
        let (path, rest) = request.split_once(' ').unwrap();
        let body = rest.trim_start().strip_prefix("--json '");
        let body = body.map(|body| body.trim_end_matches('\''));
        let method = if body.is_some() { "POST" } else { "GET" };
        let response = send(&mock.url(), method, path, body.unwrap_or_default()).response();
        assert_eq!(response.status(), 200, "{request}: {response:?}");
    }
}

#[test]
fn every_claim_has_a_source_and_a_test() {
    let guide = guide();
    let claims = [
        table(&guide, "| behavior | source | test |", 0),
        table(&guide, "| question | mock | reason | source | test |", 0),
    ];
    let tests = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    for row in claims.concat() {
        let [.., source, test] = row.as_slice() else {
            panic!("{row:?}")
        };
        let known = ["pages", "SDK", "assumed"];
        assert!(known.iter().any(|name| source.starts_with(name)), "{row:?}");
        let test = format!("fn {}()", test.trim_matches('`'));
        assert!(tests.contains(&test), "{row:?}: there is no {test}");
    }
}

/// Returns the text of every Rust file in a directory.
fn sources(directory: &Path) -> String {
    let entries = fs::read_dir(directory).unwrap();
    let text = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path)
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            fs::read_to_string(path).unwrap()
        } else {
            String::new()
        }
    });
    text.collect()
}
