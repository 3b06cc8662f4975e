use super::super::behavior::SecondWriter;
use super::super::model::TemplateType;
use super::super::operation::StreamName;
use super::super::settings::default_templates;
use super::*;
use crate::operation::PageRequest;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn store() -> Store {
    Store::new(
        vec!["one".to_owned(), "two".to_owned()],
        default_templates(),
        Budget::new(usize::MAX),
    )
}

fn new_job(name: &str) -> NewJob {
    NewJob {
        cluster_id: "one".to_owned(),
        name: name.to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: "rtmp://a/b/c".to_owned(),
        stream_output: "rtmp://d/e/f".to_owned(),
    }
}

fn key(job_id: &str) -> JobKey {
    JobKey {
        cluster_id: "one".to_owned(),
        job_id: job_id.to_owned(),
    }
}

/// Returns a store with jobs of these names in cluster `one`, created a second apart. A name is also the ID.
fn store_with(names: &[&str], behavior: &Behavior) -> Store {
    let mut store = store();
    for (second, name) in (0..).zip(names) {
        let created = NOW + Duration::seconds(second);
        store
            .create(new_job(name), (*name).to_owned(), created, behavior)
            .unwrap();
    }
    store
}

fn all() -> JobFilter {
    let page = PageRequest {
        number: 1,
        size: 100,
        oldest_first: true,
    };
    JobFilter {
        cluster_id: "one".to_owned(),
        r#type: None,
        status: None,
        keyword: None,
        page,
    }
}

fn names(store: &mut Store, filter: &JobFilter) -> Vec<String> {
    store
        .list(filter, NOW)
        .unwrap()
        .items
        .into_iter()
        .map(|job| job.name)
        .collect()
}

fn code(result: Result<impl std::fmt::Debug, ApiError>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.status, error.code)
}

fn denied() -> (u16, String) {
    (403, "OperationDenied".to_owned())
}

fn job_not_found() -> (u16, String) {
    (404, "JobNotFound".to_owned())
}

#[test]
fn a_new_job_is_not_started_and_takes_type_and_name_of_its_template() {
    let mut store = store_with(&["a"], &Behavior::default());
    let job = store.get(&key("a")).unwrap();
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(
        (job.template_name.as_str(), job.r#type),
        ("h264-720p", TemplateType::Common)
    );
    assert_eq!(
        (job.create_time, job.last_start_at, job.last_stop_at),
        (NOW, None, None)
    );
}

#[test]
fn a_job_needs_a_known_cluster_and_a_template_of_that_cluster() {
    let mut store = store();
    store.templates[0].cluster_id = Some("two".to_owned());
    let behavior = Behavior::default();
    let unknown = NewJob {
        cluster_id: "three".to_owned(),
        ..new_job("a")
    };
    assert_eq!(
        code(store.create(unknown, "a".to_owned(), NOW, &behavior)),
        denied()
    );
    let elsewhere = store.create(new_job("a"), "a".to_owned(), NOW, &behavior);
    assert_eq!(code(elsewhere), (404, "TemplateNotFound".to_owned()));
    let there = NewJob {
        cluster_id: "two".to_owned(),
        ..new_job("a")
    };
    assert_eq!(store.create(there, "a".to_owned(), NOW, &behavior), Ok(()));
}

#[test]
fn a_job_is_found_only_in_its_own_cluster() {
    let mut store = store_with(&["a"], &Behavior::default());
    let elsewhere = JobKey {
        cluster_id: "two".to_owned(),
        job_id: "a".to_owned(),
    };
    assert_eq!(code(store.get(&elsewhere)), job_not_found());
    let nowhere = JobKey {
        cluster_id: "three".to_owned(),
        job_id: "a".to_owned(),
    };
    assert_eq!(code(store.get(&nowhere)), denied());
}

#[test]
fn start_update_stop_and_delete_check_their_preconditions() {
    let behavior = Behavior::default();
    let mut store = store_with(&["a"], &behavior);
    let rename = JobChanges {
        name: Some("b".to_owned()),
        ..JobChanges::default()
    };

    assert_eq!(code(store.stop(&key("a"), NOW, &behavior)), denied());
    assert_eq!(store.start(&key("a"), NOW, &behavior), Ok(()));
    assert_eq!(code(store.start(&key("a"), NOW, &behavior)), denied());
    assert_eq!(
        code(store.update(&key("a"), rename.clone(), NOW, &behavior)),
        denied()
    );
    assert_eq!(code(store.delete(&key("a"), &behavior)), denied());
    assert_eq!(store.stop(&key("a"), NOW, &behavior), Ok(()));
    assert_eq!(store.update(&key("a"), rename, NOW, &behavior), Ok(()));
    assert_eq!(store.get(&key("a")).unwrap().name, "b");
    assert_eq!(store.delete(&key("a"), &behavior), Ok(()));
    assert_eq!(code(store.delete(&key("a"), &behavior)), job_not_found());
}

#[test]
fn start_and_stop_set_their_times() {
    let behavior = Behavior::default();
    let mut store = store_with(&["a"], &behavior);
    store
        .start(&key("a"), NOW + Duration::HOUR, &behavior)
        .unwrap();
    store
        .stop(&key("a"), NOW + Duration::DAY, &behavior)
        .unwrap();
    let job = store.get(&key("a")).unwrap();
    assert_eq!(job.last_start_at, Some(NOW + Duration::HOUR));
    assert_eq!(job.last_stop_at, Some(NOW + Duration::DAY));
}

#[test]
fn a_running_job_is_deleted_with_delete_while_running() {
    let behavior = Behavior {
        delete_while_running: true,
        ..Behavior::default()
    };
    let mut store = store_with(&["a"], &behavior);
    store.start(&key("a"), NOW, &behavior).unwrap();
    assert_eq!(store.delete(&key("a"), &behavior), Ok(()));
    assert_eq!(store.jobs(), []);
}

#[test]
fn an_update_changes_only_the_fields_that_it_contains() {
    let behavior = Behavior::default();
    let mut store = store_with(&["a"], &behavior);
    let before = store.get(&key("a")).unwrap();
    let changes = JobChanges {
        template_id: Some("tpl-uhd-4k".to_owned()),
        ..JobChanges::default()
    };
    store.update(&key("a"), changes, NOW, &behavior).unwrap();
    let expected = Job {
        template_id: "tpl-uhd-4k".to_owned(),
        template_name: "uhd-4k".to_owned(),
        r#type: TemplateType::UltraHd,
        ..before
    };
    assert_eq!(store.get(&key("a")).unwrap(), expected);
    let unknown = JobChanges {
        template_id: Some("none".to_owned()),
        name: Some("b".to_owned()),
        ..JobChanges::default()
    };
    assert_eq!(
        code(store.update(&key("a"), unknown, NOW, &behavior)),
        (404, "TemplateNotFound".to_owned())
    );
    assert_eq!(store.get(&key("a")).unwrap(), expected);
}

#[test]
fn names_need_not_be_unique_without_unique_names() {
    let mut store = store_with(&["a", "b"], &Behavior::default());
    let behavior = Behavior {
        unique_names: true,
        ..Behavior::default()
    };
    assert_eq!(
        code(store.create(new_job("a"), "c".to_owned(), NOW, &behavior)),
        denied()
    );
    let rename = |name: &str| JobChanges {
        name: Some(name.to_owned()),
        ..JobChanges::default()
    };
    assert_eq!(
        code(store.update(&key("a"), rename("b"), NOW, &behavior)),
        denied()
    );
    assert_eq!(store.update(&key("a"), rename("a"), NOW, &behavior), Ok(()));
    assert_eq!(
        store.create(new_job("a"), "c".to_owned(), NOW, &Behavior::default()),
        Ok(())
    );
}

#[test]
fn a_start_beyond_the_quota_of_running_jobs_is_rejected() {
    let behavior = Behavior {
        max_running_jobs: Some(1),
        ..Behavior::default()
    };
    let mut store = store_with(&["a", "b"], &behavior);
    store.start(&key("a"), NOW, &behavior).unwrap();
    assert_eq!(
        code(store.start(&key("b"), NOW, &behavior)),
        (403, "UserQuotaExceed".to_owned())
    );
    store.stop(&key("a"), NOW, &behavior).unwrap();
    assert_eq!(store.start(&key("b"), NOW, &behavior), Ok(()));
}

#[test]
fn a_second_writer_is_accepted_or_rejected_or_stops_the_first() {
    let started_with = |second_writer| {
        let behavior = Behavior {
            second_writer,
            ..Behavior::default()
        };
        let mut store = store_with(&["a", "b"], &behavior);
        store.edit("b", NOW, |job| {
            "rtmp://D:1935/e/f?auth_key=1".clone_into(&mut job.stream_output);
        });
        store.start(&key("a"), NOW, &behavior).unwrap();
        let second = store.start(&key("b"), NOW, &behavior);
        let running: Vec<bool> = store
            .jobs()
            .iter()
            .map(|job| job.status == JobStatus::Running)
            .collect();
        (second.map_err(|error| error.code), running)
    };
    assert_eq!(
        started_with(SecondWriter::Accepted),
        (Ok(()), vec![true, true])
    );
    assert_eq!(
        started_with(SecondWriter::Rejected),
        (Err("OperationDenied".to_owned()), vec![true, false])
    );
    assert_eq!(
        started_with(SecondWriter::FirstStopped),
        (Ok(()), vec![false, true])
    );
}

#[test]
fn a_stream_is_online_if_a_running_job_writes_it_from_an_online_input() {
    let mut behavior = Behavior::default();
    let mut store = store_with(&["a", "b"], &behavior);
    store.edit("b", NOW, |job| {
        job.stream_input = "rtmp://D:1935/e/f".to_owned();
        job.stream_output = "rtmp://g/h/i".to_owned();
    });
    let online = |store: &Store, behavior: &Behavior| {
        ["rtmp://a/b/c", "rtmp://d/e/f", "rtmp://g/h/i"]
            .map(|url| store.is_online(&StreamName::from_url(url).unwrap(), behavior))
    };
    store.start(&key("b"), NOW, &behavior).unwrap();
    assert_eq!(online(&store, &behavior), [false, false, false]);
    behavior.online_inputs = vec!["rtmp://A/b/c?auth_key=1".to_owned()];
    assert_eq!(online(&store, &behavior), [true, false, false]);
    store.start(&key("a"), NOW, &behavior).unwrap();
    assert_eq!(online(&store, &behavior), [true, true, true]);
    store.stop(&key("b"), NOW, &behavior).unwrap();
    assert_eq!(online(&store, &behavior), [true, true, false]);
    // Two jobs that feed each other are off air when nothing else feeds them.
    store.edit("b", NOW, |job| {
        job.stream_output = "rtmp://a/b/c".to_owned();
    });
    store.start(&key("b"), NOW, &behavior).unwrap();
    assert_eq!(online(&store, &behavior), [true, true, false]);
    behavior.online_inputs.clear();
    assert_eq!(online(&store, &behavior), [false, false, false]);
}

#[test]
fn stream_urls_are_normalized_where_behavior_says_so() {
    let behavior = Behavior {
        lowercase_stream_hosts: true,
        drop_default_stream_ports: true,
        ..Behavior::default()
    };
    let mut store = store();
    let new = NewJob {
        stream_input: "rtmp://IN.test:1935/App/S".to_owned(),
        ..new_job("a")
    };
    store.create(new, "a".to_owned(), NOW, &behavior).unwrap();
    let changes = JobChanges {
        stream_output: Some("rtmp://OUT.test:1935/App/S?K=V".to_owned()),
        ..JobChanges::default()
    };
    store.update(&key("a"), changes, NOW, &behavior).unwrap();
    let job = store.get(&key("a")).unwrap();
    assert_eq!(
        [job.stream_input, job.stream_output],
        ["rtmp://in.test/App/S", "rtmp://out.test/App/S?K=V"]
    );
}

#[test]
fn a_list_is_filtered_by_keyword_status_and_type() {
    let behavior = Behavior::default();
    let mut store = store_with(&["alpha", "alphabet", "beta"], &behavior);
    store.start(&key("beta"), NOW, &behavior).unwrap();
    let keyword = |text: &str| JobFilter {
        keyword: Some(text.to_owned()),
        ..all()
    };
    assert_eq!(names(&mut store, &keyword("alpha")), ["alpha", "alphabet"]);
    assert_eq!(names(&mut store, &keyword("bet")), ["alphabet", "beta"]);
    assert_eq!(names(&mut store, &keyword("Alpha")), [""; 0]);
    let running = JobFilter {
        status: Some(JobStatus::Running),
        ..all()
    };
    assert_eq!(names(&mut store, &running), ["beta"]);
    let ultra_hd = JobFilter {
        r#type: Some(TemplateType::UltraHd),
        ..all()
    };
    assert_eq!(names(&mut store, &ultra_hd), [""; 0]);
    store.edit("beta", NOW, |job| "gamma".clone_into(&mut job.name));
    assert_eq!(
        names(&mut store, &keyword("beta")),
        ["gamma"],
        "a whole ID matches"
    );
    assert_eq!(
        names(&mut store, &keyword("eta")),
        [""; 0],
        "a part of an ID does not match"
    );
}

#[test]
fn pages_come_newest_first_unless_asked_otherwise() {
    let mut store = store_with(&["a", "b", "c", "d", "e"], &Behavior::default());
    let page = |number, oldest_first| JobFilter {
        page: PageRequest {
            number,
            size: 2,
            oldest_first,
        },
        ..all()
    };
    assert_eq!(names(&mut store, &page(1, false)), ["e", "d"]);
    assert_eq!(names(&mut store, &page(3, false)), ["a"]);
    assert_eq!(names(&mut store, &page(1, true)), ["a", "b"]);
    let past = store.list(&page(4, true), NOW).unwrap();
    assert_eq!(
        past,
        Page {
            items: Vec::new(),
            total: 5
        }
    );
    let last = store.list(&page(usize::MAX, true), NOW).unwrap();
    assert_eq!(
        last,
        Page {
            items: Vec::new(),
            total: 5
        }
    );
}

#[test]
fn jobs_of_the_same_second_are_listed_in_the_order_of_their_creation() {
    let mut store = store();
    for name in ["x", "m", "a"] {
        store
            .create(new_job(name), name.to_owned(), NOW, &Behavior::default())
            .unwrap();
    }
    assert_eq!(names(&mut store, &all()), ["x", "m", "a"]);
}

#[test]
fn a_list_omits_jobs_that_were_not_changed_for_180_days() {
    let behavior = Behavior::default();
    let mut store = store_with(&["old"], &behavior);
    let (last_day, too_late) = (NOW + Duration::days(180), NOW + Duration::days(181));
    assert_eq!(store.list(&all(), last_day).unwrap().total, 1);
    assert_eq!(store.list(&all(), too_late).unwrap().total, 0);
    assert!(store.get(&key("old")).is_ok(), "Get has no such limit");
    store.start(&key("old"), last_day, &behavior).unwrap();
    assert_eq!(store.list(&all(), too_late).unwrap().total, 1);
}

#[test]
fn a_lagging_list_misses_a_new_job_for_the_given_number_of_calls() {
    let mut store = store_with(
        &["a"],
        &Behavior {
            list_lag_calls: 2,
            ..Behavior::default()
        },
    );
    let other = JobFilter {
        cluster_id: "two".to_owned(),
        ..all()
    };
    assert_eq!(
        names(&mut store, &other),
        [""; 0],
        "calls for other clusters do not count"
    );
    let seen: Vec<_> = (0..3).map(|_| names(&mut store, &all()).len()).collect();
    assert_eq!(seen, [0, 0, 1]);
    assert!(store.get(&key("a")).is_ok());
}

#[test]
fn a_lagging_list_misses_a_new_job_for_the_given_time() {
    let mut store = store_with(
        &["a"],
        &Behavior {
            list_lag_ms: 3_600_000,
            ..Behavior::default()
        },
    );
    assert_eq!(names(&mut store, &all()), [""; 0]);
    store.jobs.get_mut(&0).unwrap().listed_from = Some(Instant::now());
    assert_eq!(names(&mut store, &all()), ["a"]);
}

#[test]
fn a_lagging_get_does_not_know_a_new_job_for_the_given_number_of_calls() {
    let mut store = store_with(
        &["a"],
        &Behavior {
            get_lag_calls: 2,
            ..Behavior::default()
        },
    );
    let seen: Vec<_> = (0..3).map(|_| store.get(&key("a")).is_ok()).collect();
    assert_eq!(seen, [false, false, true]);
}

#[test]
fn a_late_start_shows_the_state_before_it_for_the_given_number_of_gets() {
    let behavior = Behavior {
        status_lag_gets: 2,
        ..Behavior::default()
    };
    let mut store = store_with(&["a"], &behavior);
    store.start(&key("a"), NOW, &behavior).unwrap();
    assert_eq!(
        code(store.start(&key("a"), NOW, &behavior)),
        denied(),
        "the service itself has the new status at once"
    );
    let mut get = || store.get(&key("a")).unwrap();
    let before = get();
    assert_eq!(
        (before.status, before.last_start_at),
        (JobStatus::NotStarted, None)
    );
    assert_eq!(get().status, JobStatus::NotStarted);
    assert_eq!(get().status, JobStatus::Running);
}

#[test]
fn templates_are_found_by_type_codec_and_keyword() {
    let store = store();
    let page = PageRequest {
        number: 1,
        size: 100,
        oldest_first: true,
    };
    let filter = TemplateFilter {
        cluster_id: "one".to_owned(),
        r#type: None,
        codec: None,
        keyword: None,
        page,
    };
    let ids = |filter: &TemplateFilter| -> Vec<String> {
        store
            .list_templates(filter)
            .unwrap()
            .items
            .into_iter()
            .map(|template| template.template_id)
            .collect()
    };
    assert_eq!(ids(&filter).len(), 4);
    let codec = TemplateFilter {
        codec: Some("H.265".to_owned()),
        ..filter.clone()
    };
    assert_eq!(ids(&codec), ["tpl-h265-1080p", "tpl-uhd-4k"]);
    let r#type = TemplateFilter {
        r#type: Some(TemplateType::Nbhd2),
        ..filter.clone()
    };
    assert_eq!(ids(&r#type), ["tpl-nbhd2-1080p"]);
    let keyword = TemplateFilter {
        keyword: Some("1080p".to_owned()),
        ..filter.clone()
    };
    assert_eq!(ids(&keyword), ["tpl-h265-1080p", "tpl-nbhd2-1080p"]);
}
