//! Tests the rules by which jobs and templates are changed and listed.

use alicloud_live_mock::{
    EmptyTimes, Job, JobStatus, Mock, MockSettings, SecondWriter, TemplateType, WallClock,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::caller::{NEW_JOB, call, create, handle_at, mock, mock_with, post_form, signed};

const OPERATION_DENIED: &str = "403 OperationDenied";

/// Starts a mock with jobs whose IDs and names these are, created a second apart.
fn mock_of(names: &[&str]) -> Mock {
    let mock = mock();
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    for (second, name) in (0..).zip(names.iter().copied()) {
        mock.seed_job(|job| {
            name.clone_into(&mut job.job_id);
            name.clone_into(&mut job.name);
            job.create_time = now + Duration::seconds(second);
        });
    }
    mock
}

/// Starts a mock with two clusters, of which only the second has the template of [`NEW_JOB`].
fn mock_with_two_clusters() -> Mock {
    mock_with(|settings| {
        settings.clusters = vec!["one".to_owned(), "two".to_owned()];
        settings.templates[0].cluster_id = Some("two".to_owned());
    })
}

/// Makes a call of `<verb>EdgeTranscodeJob`. Returns its error; an empty string if it succeeded.
fn error_in(mock: &Mock, cluster_id: &str, verb: &str, own: &[(&str, &str)]) -> String {
    let action = format!("{verb}EdgeTranscodeJob");
    let own = [&[("Action", &*action), ("ClusterId", cluster_id)], own].concat();
    let response = post_form(&mock.url(), &signed("POST", &own));
    match response.status() {
        200 => String::new(),
        _ => response.error(),
    }
}

/// The same for a job of the first cluster.
fn error(mock: &Mock, verb: &str, job_id: &str) -> String {
    error_in(mock, "cluster-1", verb, &[("JobId", job_id)])
}

fn update_error(mock: &Mock, job_id: &str, changes: &[(&str, &str)]) -> String {
    let own = [&[("JobId", job_id)], changes].concat();
    error_in(mock, "cluster-1", "Update", &own)
}

/// Creates a job. Returns the error; an empty string if it succeeded.
fn create_error(mock: &Mock, cluster_id: &str, name: &str) -> String {
    let own = [&[("Name", name)], &NEW_JOB[1..]].concat();
    error_in(mock, cluster_id, "Create", &own)
}

/// Returns a member of each job or template in a list.
fn listed(mock: &Mock, what: &str, member: &str, filter: &[(&str, &str)]) -> Vec<String> {
    let list = call(mock, &format!("ListEdgeTranscode{what}"), filter).json();
    let items = list[format!("{what}List")][what].as_array().unwrap().iter();
    items
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the names of the listed jobs.
fn names(mock: &Mock, filter: &[(&str, &str)]) -> Vec<String> {
    listed(mock, "Job", "Name", filter)
}

const NONE: [&str; 0] = [];

#[test]
fn a_new_job_is_not_started_and_takes_type_and_name_of_its_template() {
    let mock = mock();
    create(&mock);
    let job = mock.jobs().remove(0);
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(job.template_name, "h264-720p");
    assert_eq!(job.r#type, TemplateType::Common);
    assert_eq!((job.last_start_at, job.last_stop_at), (None, None));
}

#[test]
fn a_job_needs_a_known_cluster_and_a_template_of_that_cluster() {
    let mock = mock_with_two_clusters();
    for (cluster, expected) in [
        ("three", OPERATION_DENIED),
        ("one", "404 TemplateNotFound"),
        ("two", ""),
    ] {
        assert_eq!(create_error(&mock, cluster, "a"), expected, "{cluster}");
    }
}

#[test]
fn a_job_is_found_only_in_its_own_cluster() {
    let mock = mock_with_two_clusters();
    let id = mock
        .seed_job(|job| job.cluster_id = "one".to_owned())
        .job_id;
    for (cluster, expected) in [
        ("one", ""),
        ("two", "404 JobNotFound"),
        ("three", OPERATION_DENIED),
    ] {
        let found = error_in(&mock, cluster, "Get", &[("JobId", &id)]);
        assert_eq!(found, expected, "{cluster}");
    }
}

#[test]
fn start_update_stop_and_delete_check_their_preconditions() {
    let mock = mock_of(&["a"]);
    for (verb, expected) in [
        ("Stop", OPERATION_DENIED),
        ("Start", ""),
        ("Start", OPERATION_DENIED),
        ("Update", OPERATION_DENIED),
        ("Delete", OPERATION_DENIED),
        ("Stop", ""),
        ("Update", ""),
        ("Delete", ""),
        ("Delete", "404 JobNotFound"),
    ] {
        assert_eq!(error(&mock, verb, "a"), expected, "{verb}");
    }
}

#[test]
fn start_and_stop_set_their_times() {
    let mock = mock_of(&["a"]);
    let job = || mock.jobs().remove(0);
    let begun = OffsetDateTime::now_utc() - Duration::SECOND;
    let is_now = |time: Option<OffsetDateTime>| {
        time.is_some_and(|time| begun < time && time <= OffsetDateTime::now_utc())
    };
    assert_eq!(error(&mock, "Start", "a"), "");
    assert!(is_now(job().last_start_at) && job().last_stop_at.is_none());
    let earlier = Some(OffsetDateTime::UNIX_EPOCH);
    mock.edit_job("a", |job| job.last_start_at = earlier);
    assert_eq!(error(&mock, "Stop", "a"), "");
    assert!(is_now(job().last_stop_at) && job().last_start_at == earlier);
}

#[test]
fn a_running_job_is_deleted_with_delete_while_running() {
    let mock = mock_of(&["a"]);
    mock.configure(|behavior| behavior.delete_while_running = true);
    assert_eq!(
        ["Start", "Delete"].map(|verb| error(&mock, verb, "a")),
        ["", ""]
    );
    assert_eq!(mock.jobs(), []);
}

#[test]
fn an_update_changes_only_the_fields_that_it_contains() {
    let mock = mock_of(&["a"]);
    let expected = Job {
        template_id: "tpl-uhd-4k".to_owned(),
        template_name: "uhd-4k".to_owned(),
        r#type: TemplateType::UltraHd,
        ..mock.jobs().remove(0)
    };
    let updated = update_error(&mock, "a", &[("TemplateId", "tpl-uhd-4k")]);
    assert_eq!(updated, "");
    assert_eq!(mock.jobs().first(), Some(&expected));
    let unknown = update_error(&mock, "a", &[("TemplateId", "none"), ("Name", "b")]);
    assert_eq!(unknown, "404 TemplateNotFound");
    assert_eq!(mock.jobs(), [expected]);
}

#[test]
fn names_need_not_be_unique_without_unique_names() {
    let mock = mock_of(&["a", "b"]);
    let create = || create_error(&mock, "cluster-1", "a");
    mock.configure(|behavior| behavior.unique_names = true);
    assert_eq!(create(), OPERATION_DENIED);
    let renamed = |name| update_error(&mock, "a", &[("Name", name)]);
    assert_eq!([renamed("b"), renamed("a")], [OPERATION_DENIED, ""]);
    mock.configure(|behavior| behavior.unique_names = false);
    assert_eq!(create(), "");
}

#[test]
fn a_start_beyond_the_quota_of_running_jobs_is_rejected() {
    let mock = mock_of(&["a", "b"]);
    mock.configure(|behavior| behavior.max_running_jobs = Some(1));
    for (verb, id, expected) in [
        ("Start", "a", ""),
        ("Start", "b", "403 UserQuotaExceed"),
        ("Stop", "a", ""),
        ("Start", "b", ""),
    ] {
        assert_eq!(error(&mock, verb, id), expected, "{verb} {id}");
    }
}

#[test]
fn a_second_writer_is_accepted_or_rejected_or_stops_the_first() {
    for (second_writer, started, running) in [
        (SecondWriter::Accepted, "", [true, true]),
        (SecondWriter::Rejected, OPERATION_DENIED, [true, false]),
        (SecondWriter::FirstStopped, "", [false, true]),
    ] {
        let mock = mock_of(&["a", "b"]);
        mock.configure(|behavior| behavior.second_writer = second_writer);
        mock.edit_job("b", |job| {
            job.stream_output = "rtmp://OUTPUT.example.com:1935/app/stream?auth_key=1".to_owned();
        });
        assert_eq!(error(&mock, "Start", "a"), "");
        assert_eq!(error(&mock, "Start", "b"), started, "{second_writer:?}");
        let jobs = mock.jobs().into_iter();
        let statuses: Vec<_> = jobs.map(|job| job.status == JobStatus::Running).collect();
        assert_eq!(statuses, running, "{second_writer:?}");
    }
}

#[test]
fn outputs_without_a_stream_in_their_path_are_the_same_if_they_are_equal() {
    let mock = mock_of(&["a", "b", "c"]);
    mock.configure(|behavior| behavior.second_writer = SecondWriter::Rejected);
    for (id, stream) in [("a", "x"), ("b", "y"), ("c", "x")] {
        mock.edit_job(id, |job| {
            job.stream_output = format!("srt://output.example.com:1105?streamid={stream}");
        });
    }
    let started = ["a", "b", "c"].map(|id| error(&mock, "Start", id));
    assert_eq!(started, ["", "", OPERATION_DENIED]);
}

#[test]
fn a_stream_is_online_if_a_running_job_writes_it_from_an_online_input() {
    let mock = mock_of(&["a", "b"]);
    let edit = |id, input: &str, output: &str| {
        mock.edit_job(id, |job| {
            job.stream_input = input.to_owned();
            job.stream_output = output.to_owned();
        });
    };
    edit("a", "rtmp://a/b/c", "rtmp://d/e/直播");
    edit("b", "rtmp://D:1935/e/直播", "rtmp://g/h/i");
    let online = || {
        [["a", "b", "c"], ["d", "e", "直播"], ["g", "h", "i"]].map(|[domain, app, stream]| {
            let names = [
                ("DomainName", domain),
                ("AppName", app),
                ("StreamName", stream),
            ];
            call(&mock, "DescribeLiveStreamState", &names).json()["StreamState"] == "online"
        })
    };
    let set_online_inputs = |urls: &[&str]| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        mock.configure(|behavior| behavior.online_inputs = urls);
    };
    error(&mock, "Start", "b");
    assert_eq!(online(), [false, false, false]);
    set_online_inputs(&["rtmp://A/b/c?auth_key=1"]);
    assert_eq!(online(), [true, false, false]);
    error(&mock, "Start", "a");
    assert_eq!(online(), [true, true, true]);
    error(&mock, "Stop", "b");
    assert_eq!(online(), [true, true, false]);
    // Two jobs that feed each other are off air when nothing else feeds them.
    edit("b", "rtmp://D:1935/e/直播", "rtmp://a/b/c");
    error(&mock, "Start", "b");
    assert_eq!(online(), [true, true, false]);
    set_online_inputs(&[]);
    assert_eq!(online(), [false, false, false]);
    // A URL without a stream name is compared as a whole, also where a job writes what another reads.
    edit("a", "srt://cam:9000?streamid=1", "rtsp://relay/1");
    edit("b", "rtsp://relay/1", "rtmp://g/h/i");
    set_online_inputs(&["rtsp://cam/1", "srt://cam:9000?streamid=2"]);
    assert_eq!(online(), [false, false, false]);
    set_online_inputs(&["rtsp://cam/1", "srt://cam:9000?streamid=1"]);
    assert_eq!(online(), [false, false, true]);
}

#[test]
fn stream_urls_are_normalized_where_behavior_says_so() {
    let mock = mock();
    mock.configure(|behavior| {
        behavior.lowercase_stream_hosts = true;
        behavior.drop_default_stream_ports = true;
    });
    let new = [
        ("Name", "a"),
        ("TemplateId", "tpl-h264-720p"),
        ("StreamInput", "rtmp://IN.test:1935/App/S"),
        ("StreamOutput", "rtmp://out.test/a/s"),
    ];
    let id = call(&mock, "CreateEdgeTranscodeJob", &new).job_id();
    let output = ("StreamOutput", "rtmp://OUT.test:1935/App/S?K=V");
    assert_eq!(update_error(&mock, &id, &[output]), "");
    let job = mock.jobs().remove(0);
    assert_eq!(job.stream_input, "rtmp://in.test/App/S");
    assert_eq!(job.stream_output, "rtmp://out.test/App/S?K=V");
}

#[test]
fn a_list_is_filtered_by_keyword_status_and_type() {
    let mock = mock_of(&["alpha", "alphabet", "beta"]);
    error(&mock, "Start", "beta");
    let by = |name, value| names(&mock, &[("SortBy", "asc"), (name, value)]);
    assert_eq!(by("Keyword", "alpha"), ["alpha", "alphabet"]);
    assert_eq!(by("Keyword", "bet"), ["alphabet", "beta"]);
    assert_eq!(by("Keyword", "Alpha"), NONE);
    assert_eq!(by("Status", "1"), ["beta"]);
    assert_eq!(by("Type", "ultra-hd"), NONE);
    mock.edit_job("beta", |job| "gamma".clone_into(&mut job.name));
    // A whole ID matches, and a part of an ID does not.
    assert_eq!(by("Keyword", "beta"), ["gamma"]);
    assert_eq!(by("Keyword", "eta"), NONE);
}

#[test]
fn pages_come_newest_first_unless_asked_otherwise() {
    let mock = mock_of(&["a", "b", "c", "d", "e"]);
    let page = |number, order| {
        let page = [("PageNo", number), ("PageSize", "2"), ("SortBy", order)];
        names(&mock, &page)
    };
    assert_eq!(names(&mock, &[("PageSize", "2")]), ["e", "d"]);
    assert_eq!(page("3", "desc"), ["a"]);
    assert_eq!(page("1", "asc"), ["a", "b"]);
    for past_the_end in ["4", "2147483647"] {
        let page = [("PageNo", past_the_end), ("PageSize", "2")];
        assert_eq!(names(&mock, &page), NONE);
        let list = call(&mock, "ListEdgeTranscodeJob", &page).json();
        assert_eq!(list["TotalCount"], 5);
    }
}

#[test]
fn jobs_of_the_same_second_are_listed_in_the_order_of_their_creation() {
    let mock = mock_of(&["x", "m", "a"]);
    let second = mock.jobs()[0].create_time;
    for id in ["x", "m", "a"] {
        mock.edit_job(id, |job| job.create_time = second);
    }
    assert_eq!(names(&mock, &[("SortBy", "asc")]), ["x", "m", "a"]);
}

#[test]
fn a_list_omits_jobs_that_were_not_changed_for_180_days() {
    let now = OffsetDateTime::now_utc();
    let mock = mock_with(|settings| settings.clock = WallClock::new(move || now));
    let latest = Duration::days(180);
    for (id, age) in [("new", latest), ("old", latest + Duration::SECOND)] {
        mock.seed_job(|job| {
            id.clone_into(&mut job.job_id);
            id.clone_into(&mut job.name);
            job.create_time -= age;
        });
    }
    assert_eq!(names(&mock, &[]), ["new"]);
    assert_eq!(error(&mock, "Get", "old"), "", "Get has no such limit");
    error(&mock, "Start", "old");
    assert_eq!(names(&mock, &[]), ["new", "old"]);
}

#[tokio::test(start_paused = true)]
async fn a_lagging_list_misses_a_new_job_for_the_given_time() {
    let mock = Mock::in_process(MockSettings::default()).unwrap();
    mock.configure(|behavior| behavior.list_lag_ms = 3_600_000);
    let call = |action, own| handle_at(OffsetDateTime::now_utc(), &mock, action, own);
    call("CreateEdgeTranscodeJob", &NEW_JOB).await;
    for (milliseconds, expected) in [(3_599_999, 0), (1, 1)] {
        tokio::time::advance(std::time::Duration::from_millis(milliseconds)).await;
        let list = call("ListEdgeTranscodeJob", &[]).await;
        assert_eq!(list["TotalCount"], expected);
    }
}

#[test]
fn templates_are_found_by_type_codec_and_keyword() {
    let mock = mock();
    let by = |name, value| {
        let filter = [("SortBy", "asc"), (name, value)];
        listed(&mock, "Template", "TemplateId", &filter)
    };
    assert_eq!(by("VideoCodec", "H.265"), ["tpl-h265-1080p", "tpl-uhd-4k"]);
    assert_eq!(by("Type", "nbhd-2"), ["tpl-nbhd2-1080p"]);
    let keyword = by("Keyword", "1080p");
    assert_eq!(keyword, ["tpl-h265-1080p", "tpl-nbhd2-1080p"]);
}

#[test]
fn a_list_has_the_documented_two_levels_and_no_cluster() {
    let mock = mock();
    let id = create(&mock);
    let created = OffsetDateTime::from_unix_timestamp(1_690_217_095).unwrap();
    mock.edit_job(&id, |job| {
        job.status = JobStatus::Running;
        job.r#type = TemplateType::Nbhd2;
        job.create_time = created;
        job.last_start_at = Some(created + Duration::SECOND);
    });
    let mut list = call(&mock, "ListEdgeTranscodeJob", &[]).json();
    list.as_object_mut().unwrap().remove("RequestId").unwrap();
    let mut job = json!({
        "JobId": id, "Status": "1", "Type": "nbhd-2", "TemplateName": "h264-720p",
        "CreateTime": "2023-07-24T16:44:55Z", "LastStartAt": "2023-07-24T16:44:56Z",
    });
    for (name, value) in NEW_JOB {
        job[name] = json!(value);
    }
    assert_eq!(list, json!({"TotalCount": 1, "JobList": {"Job": [job]}}));
}

#[test]
fn an_empty_list_is_there_unless_omit_empty_lists() {
    let mock = mock();
    let list = || {
        call(&mock, "ListEdgeTranscodeJob", &[])
            .json()
            .get("JobList")
            .cloned()
    };
    assert_eq!(list(), Some(json!({"Job": []})));
    mock.configure(|behavior| behavior.omit_empty_lists = true);
    assert_eq!(list(), None);
}

#[test]
fn a_time_that_does_not_exist_yet_is_shown_as_configured() {
    let mock = mock_of(&["a"]);
    for (empty_times, expected) in [
        (EmptyTimes::Absent, None),
        (EmptyTimes::Null, Some(Value::Null)),
        (EmptyTimes::Empty, Some(json!(""))),
    ] {
        mock.configure(|behavior| behavior.empty_times = empty_times);
        let shown = call(&mock, "GetEdgeTranscodeJob", &[("JobId", "a")]).json();
        assert_eq!(shown["Job"].get("LastStopAt"), expected.as_ref());
    }
}

#[test]
fn every_field_of_a_template_is_a_string_and_its_cluster_is_not_shown() {
    let mock = mock_with_two_clusters();
    let own = [
        ("Action", "GetEdgeTranscodeTemplate"),
        ("ClusterId", "two"),
        ("TemplateId", "tpl-h264-720p"),
    ];
    let shown = post_form(&mock.url(), &signed("POST", &own)).json();
    let fields = shown["Template"].as_object().unwrap();
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    let documented = "Bitrate Codec CreateTime Fps Gop Name Resolution TemplateId Type";
    assert_eq!(names.join(" "), documented);
    assert!(fields.values().all(Value::is_string), "{fields:?}");
}
