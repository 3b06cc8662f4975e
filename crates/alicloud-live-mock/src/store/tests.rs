use super::*;
use crate::behavior::SecondWriter;
use crate::model::TemplateType;
use crate::operation::{PageRequest, StreamName};
use crate::settings::default_templates;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const OPERATION_DENIED: &str = "403 OperationDenied";
const JOB_NOT_FOUND: &str = "404 JobNotFound";

/// A store with its behavior. The name of a new job is its ID, too.
struct TestStore {
    store: Store,
    behavior: Behavior,
    now: OffsetDateTime,
}

impl TestStore {
    fn new(configure: impl FnOnce(&mut Behavior)) -> Self {
        let mut behavior = Behavior::default();
        configure(&mut behavior);
        let clusters = vec!["one".to_owned(), "two".to_owned()];
        Self {
            store: Store::new(clusters, default_templates(), Budget::new(usize::MAX)),
            behavior,
            now: NOW,
        }
    }

    /// Adds jobs of these names in cluster `one`, created a second apart.
    fn with(names: &[&str], configure: impl FnOnce(&mut Behavior)) -> Self {
        let mut test = Self::new(configure);
        for (second, name) in (0..).zip(names) {
            test.now = NOW + Duration::seconds(second);
            test.create(new_job(name)).unwrap();
        }
        test.now = NOW;
        test
    }

    fn create(&mut self, new: NewJob) -> Result<(), String> {
        let id = new.name.clone();
        self.create_as(&id, new)
    }

    fn create_as(&mut self, id: &str, new: NewJob) -> Result<(), String> {
        let created = self
            .store
            .create(new, id.to_owned(), self.now, &self.behavior);
        created.map_err(code)
    }

    fn update(&mut self, id: &str, changes: JobChanges) -> Result<(), String> {
        let updated = self
            .store
            .update(&key(id), changes, self.now, &self.behavior);
        updated.map_err(code)
    }

    fn start(&mut self, id: &str) -> Result<(), String> {
        let started = self.store.start(&key(id), self.now, &self.behavior);
        started.map_err(code)
    }

    fn stop(&mut self, id: &str) -> Result<(), String> {
        let stopped = self.store.stop(&key(id), self.now, &self.behavior);
        stopped.map_err(code)
    }

    fn delete(&mut self, id: &str) -> Result<(), String> {
        self.store.delete(&key(id), &self.behavior).map_err(code)
    }

    fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Job)) {
        self.store.edit(id, self.now, edit).unwrap();
    }

    fn get(&mut self, id: &str) -> Result<Job, String> {
        self.store.get(&key(id)).map_err(code)
    }

    fn list(&mut self, filter: &JobFilter) -> Page<Job> {
        self.store.list(filter, self.now).unwrap()
    }

    /// Returns the names of the listed jobs.
    fn names(&mut self, filter: &JobFilter) -> Vec<String> {
        let items = self.list(filter).items.into_iter();
        items.map(|job| job.name).collect()
    }

    /// Reports which jobs are running.
    fn running(&self) -> Vec<bool> {
        let jobs = self.store.jobs().into_iter();
        jobs.map(|job| job.status == JobStatus::Running).collect()
    }
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

fn new_job_in(cluster_id: &str) -> NewJob {
    NewJob {
        cluster_id: cluster_id.to_owned(),
        ..new_job("a")
    }
}

fn key(job_id: &str) -> JobKey {
    key_in("one", job_id)
}

fn key_in(cluster_id: &str, job_id: &str) -> JobKey {
    JobKey {
        cluster_id: cluster_id.to_owned(),
        job_id: job_id.to_owned(),
    }
}

fn renamed(name: &str) -> JobChanges {
    JobChanges {
        name: Some(name.to_owned()),
        ..JobChanges::default()
    }
}

fn all() -> JobFilter {
    JobFilter {
        cluster_id: "one".to_owned(),
        r#type: None,
        status: None,
        keyword: None,
        page: PageRequest {
            number: 1,
            size: 100,
            oldest_first: true,
        },
    }
}

fn with_keyword(keyword: &str) -> JobFilter {
    JobFilter {
        keyword: Some(keyword.to_owned()),
        ..all()
    }
}

fn code(error: ApiError) -> String {
    let ApiError { status, code, .. } = error;
    format!("{status} {code}")
}

fn rejected(code: &str) -> Result<(), String> {
    Err(code.to_owned())
}

#[test]
fn a_new_job_is_not_started_and_takes_type_and_name_of_its_template() {
    let job = TestStore::with(&["a"], |_| {}).get("a").unwrap();
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(job.template_name, "h264-720p");
    assert_eq!(job.r#type, TemplateType::Common);
    assert_eq!(job.create_time, NOW);
    assert_eq!((job.last_start_at, job.last_stop_at), (None, None));
}

#[test]
fn a_job_needs_a_known_cluster_and_a_template_of_that_cluster() {
    let mut test = TestStore::new(|_| {});
    test.store.templates[0].cluster_id = Some("two".to_owned());
    let unknown = test.create(new_job_in("three"));
    assert_eq!(unknown, rejected(OPERATION_DENIED));
    let elsewhere = test.create(new_job_in("one"));
    assert_eq!(elsewhere, rejected("404 TemplateNotFound"));
    assert_eq!(test.create(new_job_in("two")), Ok(()));
}

#[test]
fn a_job_is_found_only_in_its_own_cluster() {
    let mut store = TestStore::with(&["a"], |_| {}).store;
    for (cluster, expected) in [("two", JOB_NOT_FOUND), ("three", OPERATION_DENIED)] {
        let found = store.get(&key_in(cluster, "a"));
        assert_eq!(found.map_err(code), Err(expected.to_owned()));
    }
}

#[test]
fn start_update_stop_and_delete_check_their_preconditions() {
    let mut test = TestStore::with(&["a"], |_| {});
    assert_eq!(test.stop("a"), rejected(OPERATION_DENIED));
    assert_eq!(test.start("a"), Ok(()));
    assert_eq!(test.start("a"), rejected(OPERATION_DENIED));
    assert_eq!(test.update("a", renamed("b")), rejected(OPERATION_DENIED));
    assert_eq!(test.delete("a"), rejected(OPERATION_DENIED));
    assert_eq!(test.stop("a"), Ok(()));
    assert_eq!(test.update("a", renamed("b")), Ok(()));
    assert_eq!(test.get("a").unwrap().name, "b");
    assert_eq!(test.delete("a"), Ok(()));
    assert_eq!(test.delete("a"), rejected(JOB_NOT_FOUND));
}

#[test]
fn start_and_stop_set_their_times() {
    let mut test = TestStore::with(&["a"], |_| {});
    test.now = NOW + Duration::HOUR;
    test.start("a").unwrap();
    test.now = NOW + Duration::DAY;
    test.stop("a").unwrap();
    let job = test.get("a").unwrap();
    assert_eq!(job.last_start_at, Some(NOW + Duration::HOUR));
    assert_eq!(job.last_stop_at, Some(NOW + Duration::DAY));
}

#[test]
fn a_running_job_is_deleted_with_delete_while_running() {
    let mut test = TestStore::with(&["a"], |behavior| behavior.delete_while_running = true);
    test.start("a").unwrap();
    assert_eq!(test.delete("a"), Ok(()));
    assert_eq!(test.store.jobs(), []);
}

#[test]
fn an_update_changes_only_the_fields_that_it_contains() {
    let mut test = TestStore::with(&["a"], |_| {});
    let with_template = |id: &str, changes| JobChanges {
        template_id: Some(id.to_owned()),
        ..changes
    };
    let expected = Job {
        template_id: "tpl-uhd-4k".to_owned(),
        template_name: "uhd-4k".to_owned(),
        r#type: TemplateType::UltraHd,
        ..test.get("a").unwrap()
    };
    let changes = with_template("tpl-uhd-4k", JobChanges::default());
    test.update("a", changes).unwrap();
    assert_eq!(test.get("a").unwrap(), expected);
    let unknown = test.update("a", with_template("none", renamed("b")));
    assert_eq!(unknown, rejected("404 TemplateNotFound"));
    assert_eq!(test.get("a").unwrap(), expected);
}

#[test]
fn names_need_not_be_unique_without_unique_names() {
    let mut test = TestStore::with(&["a", "b"], |_| {});
    test.behavior.unique_names = true;
    let second = test.create_as("c", new_job("a"));
    assert_eq!(second, rejected(OPERATION_DENIED));
    assert_eq!(test.update("a", renamed("b")), rejected(OPERATION_DENIED));
    assert_eq!(test.update("a", renamed("a")), Ok(()));
    test.behavior.unique_names = false;
    assert_eq!(test.create_as("c", new_job("a")), Ok(()));
}

#[test]
fn a_start_beyond_the_quota_of_running_jobs_is_rejected() {
    let mut test = TestStore::with(&["a", "b"], |behavior| {
        behavior.max_running_jobs = Some(1);
    });
    test.start("a").unwrap();
    assert_eq!(test.start("b"), rejected("403 UserQuotaExceed"));
    test.stop("a").unwrap();
    assert_eq!(test.start("b"), Ok(()));
}

#[test]
fn a_second_writer_is_accepted_or_rejected_or_stops_the_first() {
    for (second_writer, started, running) in [
        (SecondWriter::Accepted, Ok(()), [true, true]),
        (
            SecondWriter::Rejected,
            rejected(OPERATION_DENIED),
            [true, false],
        ),
        (SecondWriter::FirstStopped, Ok(()), [false, true]),
    ] {
        let mut test = TestStore::with(&["a", "b"], |behavior| {
            behavior.second_writer = second_writer;
        });
        test.edit("b", |job| {
            "rtmp://D:1935/e/f?auth_key=1".clone_into(&mut job.stream_output);
        });
        test.start("a").unwrap();
        assert_eq!(test.start("b"), started, "{second_writer:?}");
        assert_eq!(test.running(), running, "{second_writer:?}");
    }
}

#[test]
fn a_stream_is_online_if_a_running_job_writes_it_from_an_online_input() {
    let mut test = TestStore::with(&["a", "b"], |_| {});
    test.edit("b", |job| {
        job.stream_input = "rtmp://D:1935/e/f".to_owned();
        job.stream_output = "rtmp://g/h/i".to_owned();
    });
    let online = |test: &TestStore| {
        ["rtmp://a/b/c", "rtmp://d/e/f", "rtmp://g/h/i"].map(|url| {
            let stream = StreamName::from_url(url).unwrap();
            test.store.is_online(&stream, &test.behavior)
        })
    };
    test.start("b").unwrap();
    assert_eq!(online(&test), [false, false, false]);
    test.behavior.online_inputs = vec!["rtmp://A/b/c?auth_key=1".to_owned()];
    assert_eq!(online(&test), [true, false, false]);
    test.start("a").unwrap();
    assert_eq!(online(&test), [true, true, true]);
    test.stop("b").unwrap();
    assert_eq!(online(&test), [true, true, false]);
    // Two jobs that feed each other are off air when nothing else feeds them.
    test.edit("b", |job| job.stream_output = "rtmp://a/b/c".to_owned());
    test.start("b").unwrap();
    assert_eq!(online(&test), [true, true, false]);
    test.behavior.online_inputs.clear();
    assert_eq!(online(&test), [false, false, false]);
}

#[test]
fn stream_urls_are_normalized_where_behavior_says_so() {
    let mut test = TestStore::new(|behavior| {
        behavior.lowercase_stream_hosts = true;
        behavior.drop_default_stream_ports = true;
    });
    let new = NewJob {
        stream_input: "rtmp://IN.test:1935/App/S".to_owned(),
        ..new_job("a")
    };
    test.create(new).unwrap();
    let changes = JobChanges {
        stream_output: Some("rtmp://OUT.test:1935/App/S?K=V".to_owned()),
        ..JobChanges::default()
    };
    test.update("a", changes).unwrap();
    let job = test.get("a").unwrap();
    assert_eq!(job.stream_input, "rtmp://in.test/App/S");
    assert_eq!(job.stream_output, "rtmp://out.test/App/S?K=V");
}

#[test]
fn a_list_is_filtered_by_keyword_status_and_type() {
    let mut test = TestStore::with(&["alpha", "alphabet", "beta"], |_| {});
    test.start("beta").unwrap();
    let alpha = test.names(&with_keyword("alpha"));
    assert_eq!(alpha, ["alpha", "alphabet"]);
    assert_eq!(test.names(&with_keyword("bet")), ["alphabet", "beta"]);
    assert_eq!(test.names(&with_keyword("Alpha")), [""; 0]);
    let running = JobFilter {
        status: Some(JobStatus::Running),
        ..all()
    };
    assert_eq!(test.names(&running), ["beta"]);
    let ultra_hd = JobFilter {
        r#type: Some(TemplateType::UltraHd),
        ..all()
    };
    assert_eq!(test.names(&ultra_hd), [""; 0]);
    test.edit("beta", |job| "gamma".clone_into(&mut job.name));
    // A whole ID matches, and a part of an ID does not.
    assert_eq!(test.names(&with_keyword("beta")), ["gamma"]);
    assert_eq!(test.names(&with_keyword("eta")), [""; 0]);
}

#[test]
fn pages_come_newest_first_unless_asked_otherwise() {
    let mut test = TestStore::with(&["a", "b", "c", "d", "e"], |_| {});
    let page = |number, oldest_first| JobFilter {
        page: PageRequest {
            number,
            size: 2,
            oldest_first,
        },
        ..all()
    };
    assert_eq!(test.names(&page(1, false)), ["e", "d"]);
    assert_eq!(test.names(&page(3, false)), ["a"]);
    assert_eq!(test.names(&page(1, true)), ["a", "b"]);
    for past_the_end in [4, usize::MAX] {
        let empty = test.list(&page(past_the_end, true));
        assert_eq!((empty.items, empty.total), (Vec::new(), 5));
    }
}

#[test]
fn jobs_of_the_same_second_are_listed_in_the_order_of_their_creation() {
    let mut test = TestStore::new(|_| {});
    for name in ["x", "m", "a"] {
        test.create(new_job(name)).unwrap();
    }
    assert_eq!(test.names(&all()), ["x", "m", "a"]);
}

#[test]
fn a_list_omits_jobs_that_were_not_changed_for_180_days() {
    let mut test = TestStore::with(&["old"], |_| {});
    let (last_day, too_late) = (NOW + Duration::days(180), NOW + Duration::days(181));
    test.now = last_day;
    assert_eq!(test.list(&all()).total, 1);
    test.now = too_late;
    assert_eq!(test.list(&all()).total, 0);
    assert!(test.get("old").is_ok(), "Get has no such limit");
    test.now = last_day;
    test.start("old").unwrap();
    test.now = too_late;
    assert_eq!(test.list(&all()).total, 1);
}

#[test]
fn a_lagging_list_misses_a_new_job_for_the_given_number_of_calls() {
    let mut test = TestStore::with(&["a"], |behavior| behavior.list_lag_calls = 2);
    let other = JobFilter {
        cluster_id: "two".to_owned(),
        ..all()
    };
    assert_eq!(test.list(&other).total, 0, "it counts for its own cluster");
    assert_eq!([(); 3].map(|()| test.list(&all()).total), [0, 0, 1]);
    assert!(test.get("a").is_ok());
}

#[test]
fn a_lagging_list_misses_a_new_job_for_the_given_time() {
    let mut test = TestStore::with(&["a"], |behavior| behavior.list_lag_ms = 3_600_000);
    assert_eq!(test.names(&all()), [""; 0]);
    test.store.jobs.get_mut(&0).unwrap().listed_from = Some(Instant::now());
    assert_eq!(test.names(&all()), ["a"]);
}

#[test]
fn a_lagging_get_does_not_know_a_new_job_for_the_given_number_of_calls() {
    let mut test = TestStore::with(&["a"], |behavior| behavior.get_lag_calls = 2);
    let found = [(); 3].map(|()| test.get("a").is_ok());
    assert_eq!(found, [false, false, true]);
}

#[test]
fn a_late_start_shows_the_state_before_it_for_the_given_number_of_gets() {
    let mut test = TestStore::with(&["a"], |behavior| behavior.status_lag_gets = 2);
    test.start("a").unwrap();
    // The service itself has the new status at once.
    assert_eq!(test.start("a"), rejected(OPERATION_DENIED));
    let shown = [(); 3].map(|()| {
        let job = test.get("a").unwrap();
        (job.status, job.last_start_at)
    });
    let (before, after) = (JobStatus::NotStarted, JobStatus::Running);
    assert_eq!(shown, [(before, None), (before, None), (after, Some(NOW))]);
}

#[test]
fn templates_are_found_by_type_codec_and_keyword() {
    let store = TestStore::new(|_| {}).store;
    let ids = |r#type: Option<TemplateType>, codec: Option<&str>, keyword: Option<&str>| {
        let filter = TemplateFilter {
            cluster_id: "one".to_owned(),
            r#type,
            codec: codec.map(str::to_owned),
            keyword: keyword.map(str::to_owned),
            page: all().page,
        };
        let items = store.list_templates(&filter).unwrap().items.into_iter();
        items.map(|found| found.template_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None, None).len(), 4);
    let codec = ids(None, Some("H.265"), None);
    assert_eq!(codec, ["tpl-h265-1080p", "tpl-uhd-4k"]);
    let r#type = ids(Some(TemplateType::Nbhd2), None, None);
    assert_eq!(r#type, ["tpl-nbhd2-1080p"]);
    let keyword = ids(None, None, Some("1080p"));
    assert_eq!(keyword, ["tpl-h265-1080p", "tpl-nbhd2-1080p"]);
}
