//! Tests the API as the reference documents it.

use alicloud_live_mock::{JobStatus, Mock, MockSettings, SignatureCheck, TimeFormat};
use time::{Duration, OffsetDateTime};

use crate::caller::{NEW_JOB, call, create, mock, send, send_raw, signed, timestamp, with_action};

const GET: &str = "GetEdgeTranscodeJob";
const LIST: &str = "ListEdgeTranscodeJob";

#[test]
fn a_job_lives_from_create_to_delete() {
    let mock = mock();
    let id = create(&mock);
    let job = [("JobId", id.as_str())];
    let shown = call(&mock, GET, &job).json()["Job"].clone();
    assert_eq!(
        (&shown["Status"], &shown["Type"]),
        (&"0".into(), &"common".into())
    );
    for (name, value) in NEW_JOB {
        assert_eq!(shown[name], value);
    }
    assert_eq!(shown.get("LastStartAt"), None);

    for action in ["StartEdgeTranscodeJob", "StopEdgeTranscodeJob"] {
        let response = call(&mock, action, &job);
        assert_eq!(
            (response.status(), response.json()["JobId"].as_str()),
            (200, Some(id.as_str())),
            "{action}"
        );
        assert_eq!(
            call(&mock, action, &job).error(),
            (403, "OperationDenied".to_owned()),
            "{action}"
        );
    }
    let renamed = call(
        &mock,
        "UpdateEdgeTranscodeJob",
        &[("JobId", &id), ("Name", "b")],
    );
    assert_eq!(renamed.json()["JobId"], id.as_str());
    let list = call(&mock, LIST, &[("Keyword", &id)]).json();
    assert_eq!(
        (&list["TotalCount"], &list["JobList"]["Job"][0]["Name"]),
        (&1.into(), &"b".into())
    );

    let deleted = call(&mock, "DeleteEdgeTranscodeJob", &job);
    assert_eq!((deleted.status(), deleted.json().get("JobId")), (200, None));
    assert_eq!(
        call(&mock, GET, &job).error(),
        (404, "JobNotFound".to_owned())
    );
    assert_eq!(mock.jobs(), []);
}

#[test]
fn templates_are_read_one_by_one_and_as_a_list() {
    let mock = mock();
    let one = call(
        &mock,
        "GetEdgeTranscodeTemplate",
        &[("TemplateId", "tpl-uhd-4k")],
    )
    .json();
    assert_eq!(one["Template"]["Resolution"], "3840*2160");
    let list = call(&mock, "ListEdgeTranscodeTemplate", &[("PageSize", "3")]).json();
    assert_eq!(list["TotalCount"], 4);
    assert_eq!(
        list["TemplateList"]["Template"].as_array().unwrap().len(),
        3
    );
    let none = call(&mock, "GetEdgeTranscodeTemplate", &[("TemplateId", "none")]);
    assert_eq!(none.error(), (404, "TemplateNotFound".to_owned()));
}

#[test]
fn parameters_come_in_the_query_in_a_form_or_in_both() {
    let mock = mock();
    let own = with_action(LIST, &[("SignatureType", ""), ("RegionId", "cn-shanghai")]);
    let (get, post) = (signed("GET", &own), signed("POST", &own));
    let half = signed("POST", &own);
    let (in_query, in_form) = half.split_at(half.find('&').unwrap());
    let calls = [
        ("GET", format!("/?{get}"), String::new()),
        ("POST", format!("/?{post}"), String::new()),
        (
            "POST",
            format!("/?{in_query}"),
            in_form.trim_start_matches('&').to_owned(),
        ),
    ];
    for (method, target, body) in calls {
        let response = send(&mock.url(), method, &target, &body).response();
        assert_eq!(
            response.status(),
            200,
            "{method} {target} {body}: {response:?}"
        );
    }
}

#[test]
fn a_form_may_write_spaces_as_plus() {
    let mock = mock();
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    assert!(form.contains("%20"));
    let response = send(&mock.url(), "POST", "/", &form.replace("%20", "+")).response();
    assert_eq!(response.status(), 200, "{response:?}");
}

#[test]
fn an_error_has_the_documented_envelope() {
    let mock = mock();
    let response = call(&mock, GET, &[("JobId", "none")]);
    let body = response.json();
    let names: Vec<_> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        ["Code", "HostId", "Message", "Recommend", "RequestId"]
    );
    assert_eq!(body["HostId"], "live.test");
    assert_eq!(
        response.header("x-acs-request-id").as_deref(),
        body["RequestId"].as_str()
    );
    assert_eq!(
        response.header("content-type").as_deref(),
        Some("application/json;charset=utf-8")
    );
}

#[test]
fn each_mistake_in_a_call_has_its_error_code() {
    let mock = mock();
    let old = timestamp(OffsetDateTime::now_utc() - Duration::minutes(16));
    let cases = [
        ("Action", "Nonsense", 404, "InvalidApi.NotFound"),
        ("Version", "2014-11-11", 404, "InvalidApi.NotFound"),
        ("Format", "XML", 400, "InvalidParameter.Format"),
        (
            "AccessKeyId",
            "somebody",
            404,
            "InvalidAccessKeyId.NotFound",
        ),
        ("Timestamp", &old, 400, "InvalidTimeStamp.Expired"),
        ("Timestamp", "yesterday", 400, "InvalidTimeStamp.Format"),
        ("ClusterId", "", 400, "MissingParameter"),
        ("ClusterId", "cluster-2", 403, "OperationDenied"),
    ];
    for (name, wrong, status, code) in cases {
        let mut own = with_action(LIST, &[]);
        own.retain(|(own, _)| *own != name);
        own.push((name, wrong));
        let response = send(&mock.url(), "POST", "/", &signed("POST", &own)).response();
        assert_eq!(
            response.error(),
            (status, code.to_owned()),
            "{name}={wrong}"
        );
    }
}

#[test]
fn a_changed_call_does_not_match_its_signature() {
    let mock = mock();
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    let response = send(
        &mock.url(),
        "POST",
        "/",
        &form.replace("tpl-h264-720p", "tpl-uhd-4k"),
    )
    .response();
    assert_eq!(response.error(), (400, "SignatureDoesNotMatch".to_owned()));
    assert!(
        response.json()["Message"]
            .as_str()
            .unwrap()
            .contains("server string to sign is:POST&%2F&AccessKeyId")
    );
    assert_eq!(mock.jobs(), []);
    assert_eq!(mock.calls()[0].signature, SignatureCheck::Invalid);
}

#[test]
fn the_same_bytes_are_served_once_unless_nonces_are_not_checked() {
    let mock = mock();
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    let post = || send(&mock.url(), "POST", "/", &form).response();
    assert_eq!(post().status(), 200);
    assert_eq!(post().error(), (400, "SignatureNonceUsed".to_owned()));
    assert_eq!(mock.jobs().len(), 1);
    mock.configure(|behavior| behavior.check_nonces = false);
    assert_eq!(post().status(), 200);
    assert_eq!(mock.jobs().len(), 2);
}

#[test]
fn a_call_with_an_invalid_signature_does_not_use_its_nonce() {
    let mock = mock();
    let form = signed("POST", &with_action(LIST, &[]));
    let forged = send(&mock.url(), "POST", "/", &form.replace(LIST, GET)).response();
    assert_eq!(forged.error().1, "SignatureDoesNotMatch");
    assert_eq!(
        send(&mock.url(), "POST", "/", &form).response().status(),
        200
    );
}

#[test]
fn a_clock_offset_affects_date_create_time_and_timestamps() {
    let mock = mock();
    mock.configure(|behavior| behavior.clock_offset_seconds = 3600);
    let ahead = timestamp(OffsetDateTime::now_utc() + Duration::HOUR);
    assert_eq!(call(&mock, LIST, &[]).error().1, "InvalidTimeStamp.Expired");
    let mut own = NEW_JOB.to_vec();
    own.push(("Timestamp", &ahead));
    let response = call(&mock, "CreateEdgeTranscodeJob", &own);
    assert_eq!(response.status(), 200, "{response:?}");
    let created = mock.jobs()[0].create_time - OffsetDateTime::now_utc();
    assert!(
        (Duration::minutes(59)..Duration::minutes(61)).contains(&created),
        "{created}"
    );
    let date = response.header("date").unwrap().replace("GMT", "+0000");
    let date =
        OffsetDateTime::parse(&date, &time::format_description::well_known::Rfc2822).unwrap();
    let shown = date - OffsetDateTime::now_utc();
    assert!(
        (Duration::minutes(59)..Duration::minutes(61)).contains(&shown),
        "{shown}"
    );
}

#[test]
fn the_quota_of_calls_throttles_each_operation_separately() {
    let mock = mock();
    mock.configure(|behavior| behavior.max_requests_per_minute = Some(2));
    let statuses: Vec<u16> = (0..3).map(|_| call(&mock, LIST, &[]).status()).collect();
    assert_eq!(statuses, [200, 200, 400]);
    assert_eq!(
        call(&mock, LIST, &[]).error(),
        (400, "Throttling.User".to_owned())
    );
    assert_eq!(call(&mock, "ListEdgeTranscodeTemplate", &[]).status(), 200);
}

#[test]
fn a_v3_call_without_a_required_header_is_rejected() {
    let mock = mock();
    let request = "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nx-acs-action: ListEdgeTranscodeJob\r\n\
                   Authorization: ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00\r\n\r\n";
    let response = send_raw(&mock.url(), request.as_bytes()).response();
    assert_eq!(response.error(), (400, "MissingVersion".to_owned()));
}

#[test]
fn an_expected_security_token_is_required() {
    let settings = MockSettings {
        security_token: Some("tok+/=".to_owned()),
        ..MockSettings::default()
    };
    let mock = Mock::start(settings).unwrap();
    assert_eq!(call(&mock, LIST, &[]).error().1, "MissingSecurityToken");
    assert_eq!(
        call(&mock, LIST, &[("SecurityToken", "tok+/=")]).status(),
        200
    );
    let shown = mock.calls()[1].parameters["SecurityToken"].clone();
    assert_eq!(shown, "***");
}

#[test]
fn malformed_requests_are_rejected_and_the_mock_goes_on() {
    let mock = mock();
    let huge_body = "a".repeat(300 * 1024);
    let many_headers = (0..200).fold(String::new(), |all, number| {
        format!("{all}X-{number}: 1\r\n")
    });
    let requests = [
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /?a=%FF%zz&&=&a HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        "BREW / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_owned(),
        "nonsense\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\n{many_headers}\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 3\r\n\r\n\u{1}%="
            .to_owned(),
    ];
    for request in requests {
        let status = send_raw(&mock.url(), request.as_bytes())
            .response()
            .status();
        assert!((400..500).contains(&status), "{status}: {request}");
    }
    let response = send(&mock.url(), "POST", "/", &huge_body).response();
    assert_eq!(response.error(), (400, "InvalidParameter".to_owned()));
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn calls_are_recorded_without_the_secret() {
    let mock = mock();
    let id = create(&mock);
    call(&mock, GET, &[("JobId", "none")]);
    let calls = mock.calls();
    let [created, missed] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(
        (created.action.as_deref(), created.status, created.committed),
        (Some("CreateEdgeTranscodeJob"), Some(200), true)
    );
    assert_eq!(
        (created.signature, created.code.as_deref()),
        (SignatureCheck::Valid, None)
    );
    assert_eq!(
        (missed.status, missed.code.as_deref(), missed.committed),
        (Some(404), Some("JobNotFound"), false)
    );
    assert!(created.parameters.contains_key("Signature"));
    assert!(!format!("{calls:?}").contains("mock-access-key-secret"));
    assert_eq!(mock.jobs()[0].job_id, id);
}

#[test]
fn a_response_deviates_where_behavior_says_so() {
    let mock = mock();
    let id = create(&mock);
    let plain = call(&mock, LIST, &[]);
    assert!(plain.header("date").is_some());
    mock.configure(|behavior| {
        behavior.time_format = TimeFormat::Offset;
        behavior.numbers_as_strings = true;
        behavior.omit_members = vec!["TemplateName".to_owned(), "Type".to_owned()];
        behavior.omit_date_header = true;
    });
    let response = call(&mock, LIST, &[]);
    assert_eq!(response.header("date"), None);
    let list = response.json();
    let job = &list["JobList"]["Job"][0];
    assert_eq!(
        (&list["TotalCount"], &job["JobId"]),
        (&"1".into(), &id.as_str().into())
    );
    assert_eq!((job.get("TemplateName"), job.get("Type")), (None, None));
    let time = job["CreateTime"].as_str().unwrap();
    assert!(time.ends_with("+08:00"), "{time}");
    let error = call(&mock, GET, &[("JobId", "none")]);
    assert_eq!(error.header("date"), None, "errors deviate too");
}

#[test]
fn the_state_of_a_stream_needs_domain_app_and_stream() {
    let mock = mock();
    mock.configure(|behavior| behavior.online_inputs = vec!["rtmp://In.test/app/s".to_owned()]);
    let state = |stream: &str| {
        let names = [
            ("DomainName", "in.test"),
            ("AppName", "app"),
            ("StreamName", stream),
        ];
        call(&mock, "DescribeLiveStreamState", &names).json()
    };
    let online = state("s");
    assert_eq!(
        (&online["StreamState"], &online["Type"]),
        (&"online".into(), &"push".into())
    );
    assert_eq!(state("t")["StreamState"], "offline");
    let nameless = call(&mock, "DescribeLiveStreamState", &[]);
    assert_eq!(nameless.error(), (400, "MissingParameter".to_owned()));
}

#[test]
fn sts_returns_the_identity_of_the_caller() {
    let mock = mock();
    let own = [("Action", "GetCallerIdentity"), ("Version", "2015-04-01")];
    let identity = send(&mock.url(), "POST", "/", &signed("POST", &own))
        .response()
        .json();
    assert_eq!(identity["IdentityType"], "RAMUser");
    assert_eq!(identity["AccountId"], "1234567890123456");
    assert_eq!(
        identity["Arn"],
        "acs:ram::1234567890123456:user/mock-access-key-id"
    );
    assert_eq!(identity["UserId"], identity["PrincipalId"]);
    assert_eq!(identity.get("RoleId"), None);
}

#[test]
fn jobs_are_changed_and_removed_without_an_api_call() {
    let mock = mock();
    let id = create(&mock);
    mock.edit_job(&id, |job| job.status = JobStatus::Running);
    assert_eq!(
        call(&mock, GET, &[("JobId", &id)]).json()["Job"]["Status"],
        "1"
    );
    assert!(mock.remove_job(&id));
    assert!(!mock.remove_job(&id));
    assert_eq!(call(&mock, GET, &[("JobId", &id)]).error().1, "JobNotFound");
    let seeded = mock.seed_job(|job| "old".clone_into(&mut job.name));
    assert_eq!(
        call(&mock, GET, &[("JobId", &seeded.job_id)]).json()["Job"]["Name"],
        "old"
    );
}

#[test]
fn a_seed_makes_ids_repeatable_and_a_reset_starts_again() {
    let (one, other) = (mock(), mock());
    let first = create(&one);
    assert_eq!(first, create(&other));
    one.set_faults(Vec::new());
    one.configure(|behavior| behavior.check_nonces = false);
    one.reset();
    assert_eq!((one.jobs(), one.calls()), (Vec::new(), Vec::new()));
    assert_eq!(create(&one), first);
    let random = Mock::start(MockSettings::default()).unwrap();
    let before = create(&random);
    random.reset();
    assert_ne!(create(&random), before);
}

#[test]
fn one_connection_serves_many_calls() {
    let mock = mock();
    let calls = [("keep-alive", 1), ("close", 2)].map(|(connection, page)| {
        let query = signed("GET", &with_action(LIST, &[("PageNo", &page.to_string())]));
        format!("GET /?{query} HTTP/1.1\r\nHost: h\r\nConnection: {connection}\r\n\r\n")
    });
    let response = send_raw(&mock.url(), calls.concat().as_bytes()).response();
    let text = String::from_utf8(response.bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[test]
fn a_dropped_mock_leaves_no_listener_behind() {
    // An address that no other test uses, so that none can reuse the port.
    let listen = "127.0.0.77:0".parse().unwrap();
    let mock = Mock::start(MockSettings {
        listen,
        ..MockSettings::default()
    })
    .unwrap();
    let url = mock.url();
    let waiting = send_raw(&url, b"GET / HTTP/1.1\r\n");
    drop(mock);
    assert_eq!(waiting.response().bytes, b"");
    assert!(std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}
