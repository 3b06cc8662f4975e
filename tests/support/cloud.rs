//! The cloud of a test: the mock API in this process.

use std::cell::RefCell;

use alicloud_live::mock::{Call, Fault, FaultKind, Job, JobStatus, Mock, Settings};

pub(crate) const ACCESS_KEY_ID: &str = "acceptance-access-key-id";
/// Stands nowhere but in Terraform's environment and in the mock: whatever else holds it has leaked it.
pub(crate) const ACCESS_KEY_SECRET: &str = "5ecre7acce55key5ecre7acce55key";
/// A second cluster, beside `cluster-1`.
pub(crate) const OTHER_CLUSTER: &str = "cluster-2";

pub(crate) struct Cloud {
    url: String,
    /// None when it is down.
    mock: RefCell<Option<Mock>>,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let mut settings = Settings {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            access_key_secret: ACCESS_KEY_SECRET.to_owned(),
            ..Settings::default()
        };
        settings.clusters.push(OTHER_CLUSTER.to_owned());
        let mock = Mock::start(settings).unwrap();
        Self {
            url: mock.url(),
            mock: RefCell::new(Some(mock)),
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    fn mock<T>(&self, ask: impl FnOnce(&Mock) -> T) -> T {
        ask(self.mock.borrow().as_ref().expect("the cloud is up"))
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.mock(Mock::jobs)
    }

    /// The only job that there is.
    #[track_caller]
    pub(crate) fn job(&self) -> Job {
        let mut jobs = self.jobs();
        assert_eq!(jobs.len(), 1, "one job was expected: {jobs:#?}");
        jobs.remove(0)
    }

    /// Whether the only job runs.
    #[track_caller]
    pub(crate) fn is_running(&self) -> bool {
        self.job().status == JobStatus::Running
    }

    /// Changes the only job behind Terraform's back.
    #[track_caller]
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Job)) {
        let job_id = self.job().job_id;
        self.mock(|mock| mock.edit_job(&job_id, change));
    }

    /// Deletes the only job behind Terraform's back.
    #[track_caller]
    pub(crate) fn delete(&self) {
        let job_id = self.job().job_id;
        assert!(self.mock(|mock| mock.remove_job(&job_id)));
    }

    /// From now on no more than this many jobs may run.
    pub(crate) fn allow_running_jobs(&self, count: usize) {
        self.mock(|mock| mock.configure(|config| config.running_jobs = Some(count)));
    }

    /// Refuses every call of an operation from now on.
    pub(crate) fn deny(&self, action: &str) {
        let denied = FaultKind::Error {
            status: 403,
            code: "OperationDenied".to_owned(),
            message: "The operation is denied.".to_owned(),
            retry_after_ms: None,
        };
        self.mock(|mock| mock.set_faults(vec![Fault::new(action, denied)]));
    }

    /// Nothing answers any more.
    pub(crate) fn goes_down(&self) {
        self.mock.take();
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.mock(Mock::calls)
    }

    /// The calls until now that were to change something, by their first words: `Create`, `Update`, `Start`, …
    pub(crate) fn changes(&self) -> Vec<String> {
        self.calls()
            .iter()
            .filter_map(|call| call.action.as_deref()?.strip_suffix("EdgeTranscodeJob"))
            .filter(|action| !["Get", "List"].contains(action))
            .map(str::to_owned)
            .collect()
    }
}
