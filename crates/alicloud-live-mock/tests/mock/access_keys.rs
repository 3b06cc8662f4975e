//! Tests the states of access keys, and denied operations.

use alicloud_live_mock::{Mock, MockSettings};
use serde_json::{Value, json};

use crate::caller::{HttpResponse, NEW_JOB, create, mock, send, signed_with, with_action};
use crate::program::start_error;

/// An access key pair.
struct Key {
    id: String,
    secret: String,
}

fn put(mock: &Mock, key: &Value) -> HttpResponse {
    send(&mock.url(), "POST", "/_mock/access_keys", &key.to_string()).response()
}

fn new_key(mock: &Mock, key: &Value) -> Key {
    let response = put(mock, key);
    assert_eq!(response.status(), 200, "{response:?}");
    let text = |name: &str| response.json()[name].as_str().unwrap().to_owned();
    Key {
        id: text("access_key_id"),
        secret: text("access_key_secret"),
    }
}

fn call(mock: &Mock, key: &Key, action: &str, own: &[(&str, &str)]) -> HttpResponse {
    let all = [&with_action(action, own)[..], &[("AccessKeyId", &key.id)]].concat();
    send(
        &mock.url(),
        "POST",
        "/",
        &signed_with(&key.secret, "POST", &all),
    )
    .response()
}

fn shown(mock: &Mock, path: &str, key: &Key) -> Value {
    let target = format!("{path}?access_key_id={}", key.id);
    send(&mock.url(), "GET", &target, "").response().json()
}

#[test]
fn each_key_has_jobs_calls_faults_and_behavior_of_its_own() {
    let mock = mock();
    let (one, other) = (new_key(&mock, &json!({})), new_key(&mock, &json!({})));
    let first = create(&mock);
    for (path, change) in [
        ("/_mock/behavior", json!({"max_running_jobs": 0})),
        (
            "/_mock/faults",
            json!([{"action": "ListEdgeTranscodeJob", "kind": "drop"}]),
        ),
    ] {
        let target = format!("{path}?access_key_id={}", one.id);
        let response = send(&mock.url(), "POST", &target, &change.to_string()).response();
        assert_eq!(response.status(), 200);
    }
    let created = call(&mock, &one, "CreateEdgeTranscodeJob", &NEW_JOB).json();
    let job = [("JobId", created["JobId"].as_str().unwrap())];
    let start = |key: &Key| call(&mock, key, "StartEdgeTranscodeJob", &job).error().1;
    assert_eq!(start(&one), "UserQuotaExceed");
    assert_eq!(start(&other), "JobNotFound");
    assert_eq!(call(&mock, &one, "ListEdgeTranscodeJob", &[]).bytes, b"");
    assert_eq!(
        call(&mock, &other, "ListEdgeTranscodeJob", &[]).json()["TotalCount"],
        0
    );

    assert_eq!(
        shown(&mock, "/_mock/jobs", &one)[0]["JobId"],
        created["JobId"]
    );
    assert_eq!(shown(&mock, "/_mock/jobs", &other), json!([]));
    assert_eq!(mock.jobs()[0].job_id, first);
    let calls = |key| shown(&mock, "/_mock/calls", key).as_array().unwrap().len();
    assert_eq!((calls(&one), calls(&other), mock.calls().len()), (3, 2, 1));
    assert_eq!(shown(&mock, "/_mock/counts", &one)["writes"], 1);

    let reset = format!("/_mock/reset?access_key_id={}", one.id);
    send(&mock.url(), "POST", &reset, "").response();
    assert_eq!(shown(&mock, "/_mock/jobs", &one), json!([]));
    assert_eq!((calls(&other), mock.jobs().len()), (2, 1));
}

#[test]
fn temporary_keys_select_the_state_of_the_key_that_assumed_the_role() {
    let mock = mock();
    let key = new_key(&mock, &json!({"access_key_id": "ci-7"}));
    let created = call(&mock, &key, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.status(), 200);
    let uri = send(&mock.url(), "GET", "/credentials?access_key_id=ci-7", "").response();
    let role = [
        ("Version", "2015-04-01"),
        ("RoleArn", "acs:ram::1234567890123456:role/mock-role"),
        ("RoleSessionName", "alice"),
    ];
    let assumed = call(&mock, &key, "AssumeRole", &role).json();
    for credentials in [&uri.json(), &assumed["Credentials"]] {
        let text = |name: &str| credentials[name].as_str().unwrap();
        let temporary = Key {
            id: text("AccessKeyId").to_owned(),
            secret: text("AccessKeySecret").to_owned(),
        };
        let token = [("SecurityToken", text("SecurityToken"))];
        let list = call(&mock, &temporary, "ListEdgeTranscodeJob", &token).json();
        assert_eq!(list["TotalCount"], 1, "{list}");
    }
    let identity = call(
        &mock,
        &key,
        "GetCallerIdentity",
        &[("Version", "2015-04-01")],
    )
    .json();
    assert_eq!(identity["Arn"], "acs:ram::1234567890123456:user/ci-7");
}

#[test]
fn a_key_may_be_denied_single_operations() {
    let mock = mock();
    let id = create(&mock);
    let reader = new_key(
        &mock,
        &json!({
            "denied_actions": ["DeleteEdgeTranscodeJob", "UpdateEdgeTranscodeJob"],
            "shares_state_with": "mock-access-key-id",
        }),
    );
    let job = [("JobId", id.as_str())];
    let delete = || call(&mock, &reader, "DeleteEdgeTranscodeJob", &job);
    assert_eq!(
        call(&mock, &reader, "GetEdgeTranscodeJob", &job).status(),
        200
    );
    let denied = delete();
    assert_eq!(denied.error(), (403, "NoPermission".to_owned()));
    let message = denied.json()["Message"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with("live:DeleteEdgeTranscodeJob."),
        "{message}"
    );
    mock.configure(|behavior| behavior.permission_error_code = "Forbidden.RAM".to_owned());
    assert_eq!(delete().error().1, "Forbidden.RAM");
    assert_eq!(mock.jobs().len(), 1);

    let allowed = json!({"access_key_id": reader.id, "denied_actions": []});
    assert_eq!(put(&mock, &allowed).status(), 200);
    assert_eq!(delete().status(), 200);
    // The first key can be denied operations too.
    put(
        &mock,
        &json!({"access_key_id": "mock-access-key-id", "denied_actions": ["ListEdgeTranscodeJob"]}),
    );
    let list = crate::caller::call(&mock, "ListEdgeTranscodeJob", &[]);
    assert_eq!(list.error().0, 403);
}

#[test]
fn a_deleted_key_is_unknown_and_its_state_is_gone() {
    let mock = mock();
    let key = new_key(
        &mock,
        &json!({"access_key_id": "ci-7", "access_key_secret": "s"}),
    );
    assert_eq!(call(&mock, &key, "ListEdgeTranscodeJob", &[]).status(), 200);
    let delete = |id: &str| {
        send(
            &mock.url(),
            "DELETE",
            &format!("/_mock/access_keys/{id}"),
            "",
        )
        .response()
    };
    assert_eq!(delete("ci-7").status(), 200);
    assert_eq!(delete("ci-7").status(), 404);
    assert_eq!(delete("mock-access-key-id").status(), 400);
    let unknown = call(&mock, &key, "ListEdgeTranscodeJob", &[]);
    assert_eq!(
        unknown.error(),
        (404, "InvalidAccessKeyId.NotFound".to_owned())
    );
    let gone = send(&mock.url(), "GET", "/_mock/jobs?access_key_id=ci-7", "").response();
    assert_eq!(gone.status(), 404);
}

#[test]
fn secrets_are_returned_once_and_the_number_of_keys_is_limited() {
    let mock = mock();
    let key = new_key(&mock, &json!({}));
    let keys = send(&mock.url(), "GET", "/_mock/access_keys", "").response();
    let text = String::from_utf8(keys.body().to_vec()).unwrap();
    assert!(
        text.contains(&key.id) && !text.contains(&key.secret),
        "{text}"
    );
    let full = (0..1000)
        .map(|_| put(&mock, &json!({})).status())
        .position(|status| status != 200);
    assert_eq!(
        full,
        Some(998),
        "1,000 with the first key and the one above"
    );
}

#[test]
fn an_invalid_key_is_explained() {
    let mock = mock();
    for (key, complaint) in [
        (
            json!({"denied_actions": ["Nonsense"]}),
            "expected the name of an operation, not `Nonsense`",
        ),
        (
            json!({"shares_state_with": "none"}),
            "expected the ID of an access key, not `none`",
        ),
        (
            json!({"access_key_id": "STS.x"}),
            "does not begin with STS.",
        ),
        (json!({"access_key": "x"}), "unknown field `access_key`"),
        (
            json!({"access_key_id": "mock-access-key-id", "shares_state_with": "x"}),
            "exists already",
        ),
    ] {
        let response = put(&mock, &key);
        let message = response.json()["error"].as_str().unwrap().to_owned();
        assert!(
            response.status() == 400 && message.contains(complaint),
            "{message}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mock.json");
    let keys = json!({"access_keys": [{}, {"shares_state_with": "x"}]});
    std::fs::write(&file, keys.to_string()).unwrap();
    let message = start_error(&["--config", file.to_str().unwrap()]);
    assert!(
        message.contains("access_keys[1]: shares_state_with: expected"),
        "{message}"
    );
}

#[test]
fn keys_of_the_configuration_file_are_known_from_the_start() {
    let settings: MockSettings = serde_json::from_value(json!({
        "access_keys": [{"access_key_id": "a", "access_key_secret": "b"}],
        "jobs": [{"JobId": "j"}],
    }))
    .unwrap();
    let mock = Mock::start(settings).unwrap();
    let key = Key {
        id: "a".to_owned(),
        secret: "b".to_owned(),
    };
    let list = call(&mock, &key, "ListEdgeTranscodeJob", &[]).json();
    assert_eq!(
        list["TotalCount"], 1,
        "each state begins with the jobs of the configuration file"
    );
}
