//! The control door.

use alicloud_live::mock::{JobStatus, Mock};
use serde_json::{Value, json};

use crate::caller::{NEW_JOB, PATIENCE, Reply, call, create, mock, send, send_call};

fn get(mock: &Mock, path: &str) -> Reply {
    send(&mock.url(), "GET", path, "").reply()
}

fn post(mock: &Mock, path: &str, body: &Value) -> Reply {
    send(&mock.url(), "POST", path, &body.to_string()).reply()
}

#[test]
fn the_index_names_every_door() {
    let mock = mock();
    for path in ["/_mock", "/_mock/"] {
        let reply = get(&mock, path);
        assert_eq!(reply.status(), 200, "{path}");
        assert!(String::from_utf8_lossy(reply.body()).contains("/_mock/faults"));
    }
    assert_eq!(get(&mock, "/_mock/nowhere").status(), 404);
    assert_eq!(get(&mock, "/_mock/reset").status(), 405);
}

#[test]
fn jobs_are_shown_with_their_cluster_and_can_be_put_back() {
    let mock = mock();
    let id = create(&mock);
    let jobs = get(&mock, "/_mock/jobs").json();
    assert_eq!(
        (&jobs[0]["JobId"], &jobs[0]["ClusterId"]),
        (&id.as_str().into(), &"cluster-1".into())
    );
    let before = mock.jobs();
    assert_eq!(
        send(&mock.url(), "DELETE", &format!("/_mock/jobs/{id}"), "")
            .reply()
            .status(),
        200
    );
    assert_eq!(
        send(&mock.url(), "DELETE", &format!("/_mock/jobs/{id}"), "")
            .reply()
            .status(),
        404
    );
    assert_eq!(post(&mock, "/_mock/jobs", &jobs[0]).json(), jobs[0]);
    assert_eq!(mock.jobs(), before);
}

#[test]
fn a_seeded_job_takes_what_is_given_and_makes_up_the_rest() {
    let mock = mock();
    let seed = json!({"Name": "old", "Status": "1", "CreateTime": "2020-01-01T00:00:00Z"});
    let shown = post(&mock, "/_mock/jobs", &seed).json();
    assert_eq!(
        (&shown["Name"], &shown["TemplateId"]),
        (&"old".into(), &"tpl-h264-720p".into())
    );
    assert_eq!(mock.jobs()[0].status, JobStatus::Running);
    for wrong in [
        json!({"Nme": "x"}),
        json!({"Status": 1}),
        json!({"CreateTime": "then"}),
        json!("x"),
    ] {
        let reply = post(&mock, "/_mock/jobs", &wrong);
        assert_eq!(reply.status(), 400, "{wrong}");
        assert!(reply.json()["error"].is_string(), "{wrong}");
    }
    assert_eq!(mock.jobs().len(), 1);
}

#[test]
fn calls_are_shown_as_recorded() {
    let mock = mock();
    create(&mock);
    let calls = get(&mock, "/_mock/calls").json();
    let first = &calls[0];
    assert_eq!(first["action"], "CreateEdgeTranscodeJob");
    assert_eq!(
        (&first["signature"], &first["status"], &first["committed"]),
        (&"valid".into(), &200.into(), &true.into())
    );
    assert_eq!(first["parameters"]["Name"], NEW_JOB[0].1);
    assert_eq!(
        calls.as_array().unwrap().len(),
        1,
        "the door itself is no call"
    );
}

#[test]
fn configuration_and_faults_are_changed_and_reset() {
    let mock = mock();
    let config = post(&mock, "/_mock/config", &json!({"running_jobs": 0})).json();
    assert_eq!(
        (&config["running_jobs"], &config["check_nonces"]),
        (&0.into(), &true.into())
    );
    let id = create(&mock);
    assert_eq!(
        call(&mock, "StartEdgeTranscodeJob", &[("JobId", &id)])
            .error()
            .1,
        "UserQuotaExceed"
    );
    let rules = json!([{"action": "ListEdgeTranscodeJob", "kind": "drop", "times": 1}]);
    assert_eq!(post(&mock, "/_mock/faults", &rules).status(), 200);
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).bytes, b"");
    assert_eq!(get(&mock, "/_mock/faults").json()[0]["met"], 1);

    assert_eq!(post(&mock, "/_mock/reset", &json!(null)).status(), 200);
    assert_eq!(get(&mock, "/_mock/faults").json(), json!([]));
    assert_eq!(
        get(&mock, "/_mock/config").json()["running_jobs"],
        Value::Null
    );
    assert_eq!(get(&mock, "/_mock/jobs").json(), json!([]));
    assert_eq!(get(&mock, "/_mock/calls").json(), json!([]));
}

#[test]
fn a_wrong_rule_or_setting_changes_nothing() {
    let mock = mock();
    for (path, body) in [
        ("/_mock/faults", json!([{"kind": "drop"}, {"kind": "dorp"}])),
        ("/_mock/faults", json!([{"kind": "drop", "probability": 2}])),
        (
            "/_mock/faults",
            json!([{"kind": "endless", "when": "before"}]),
        ),
        ("/_mock/config", json!({"list_lag": 1})),
    ] {
        assert_eq!(post(&mock, path, &body).status(), 400, "{body}");
    }
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).status(), 200);
}

#[test]
fn a_held_call_is_waited_for_and_released_through_the_door() {
    let mock = mock();
    post(
        &mock,
        "/_mock/faults",
        &json!([{"action": "CreateEdgeTranscodeJob", "kind": "pause", "when": "after"}]),
    );
    assert_eq!(get(&mock, "/_mock/held").json(), json!([]));
    let sent = send_call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    let held = get(
        &mock,
        &format!("/_mock/held?timeout_ms={}", PATIENCE.as_millis()),
    )
    .json();
    assert_eq!(
        (&held[0]["when"], &held[0]["call"]["committed"]),
        (&"after".into(), &true.into())
    );
    assert_eq!(
        post(&mock, "/_mock/release", &json!(null)).json(),
        json!({"released": 1})
    );
    assert_eq!(sent.reply().status(), 200);
}
