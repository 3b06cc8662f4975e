//! The cloud of a test: the mock API in this process.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use alicloud_live_mock::{
    Behavior, CallEvent, Fault, FaultKind, FaultStage, Job, JobStatus, Mock, MockSettings,
    RecordedCall,
};

pub(crate) const ACCESS_KEY_ID: &str = "acceptance-access-key-id";
/// Stands nowhere but in Terraform's environment and in the mock: whatever else holds it has leaked it.
pub(crate) const ACCESS_KEY_SECRET: &str = "5ecre7acce55key5ecre7acce55key";
/// Belongs to the keys, and is as secret as they are.
pub(crate) const SECURITY_TOKEN: &str = "5ecre7t0ken5ecre7t0ken5ecre7t0ken";
/// A second cluster, beside `cluster-1`.
pub(crate) const OTHER_CLUSTER: &str = "cluster-2";

/// No call of these tests takes longer to arrive.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A fault of the operation on jobs that begins with this word: `Create`, `Get`, `List`, …
pub(crate) fn fault(verb: &str, kind: FaultKind) -> Fault {
    Fault::new(&format!("{verb}EdgeTranscodeJob"), kind)
}

/// The API reports an operation as done that it has not done.
pub(crate) fn promise(verb: &str) -> Fault {
    let body = r#"{"RequestId":"16A96B9A-F203-4EC5-8E43-CB92E68F4CD8"}"#;
    fault(verb, success(body.to_owned()))
}

/// A successful response with this body.
pub(crate) fn success(body: String) -> FaultKind {
    FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    }
}

pub(crate) struct Cloud {
    url: String,
    /// None when it is down.
    mock: RefCell<Option<Mock>>,
    /// The calls until it went down.
    last_calls: RefCell<Vec<RecordedCall>>,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let mut settings = MockSettings {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            access_key_secret: ACCESS_KEY_SECRET.to_owned(),
            ..MockSettings::default()
        };
        settings.clusters.push(OTHER_CLUSTER.to_owned());
        let mock = Mock::start(settings).unwrap();
        Self {
            url: mock.url(),
            mock: RefCell::new(Some(mock)),
            last_calls: RefCell::default(),
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

    /// The IDs of all jobs.
    pub(crate) fn job_ids(&self) -> BTreeSet<String> {
        self.jobs().into_iter().map(|job| job.job_id).collect()
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
        self.edit_job(&self.job().job_id, change);
    }

    /// Changes one of several jobs behind Terraform's back.
    pub(crate) fn edit_job(&self, job_id: &str, change: impl FnOnce(&mut Job)) {
        self.mock(|mock| mock.edit_job(job_id, change));
    }

    /// Deletes one of several jobs behind Terraform's back.
    #[track_caller]
    pub(crate) fn delete_job(&self, job_id: &str) {
        assert!(self.mock(|mock| mock.remove_job(job_id)));
    }

    /// Deletes the only job behind Terraform's back.
    #[track_caller]
    pub(crate) fn delete(&self) {
        self.delete_job(&self.job().job_id);
    }

    /// From now on no more than this many jobs may run.
    pub(crate) fn allow_running_jobs(&self, count: usize) {
        self.configure(|config| config.max_running_jobs = Some(count));
    }

    pub(crate) fn configure(&self, change: impl FnOnce(&mut Behavior)) {
        self.mock(|mock| mock.configure(change));
    }

    /// Puts these faults in the place of all others.
    pub(crate) fn set_faults(&self, faults: impl Into<Vec<Fault>>) {
        self.mock(|mock| mock.set_faults(faults.into()));
    }

    /// Has the next call of an operation wait at this point.
    pub(crate) fn hold(&self, verb: &str, point: FaultStage) {
        self.set_faults([fault(verb, FaultKind::Pause).when(point).times(1)]);
    }

    /// Waits until a call is held.
    #[track_caller]
    pub(crate) fn wait_paused(&self) -> CallEvent {
        self.wait_paused_calls(1).remove(0)
    }

    /// Waits until so many calls are held.
    #[track_caller]
    pub(crate) fn wait_paused_calls(&self, calls: usize) -> Vec<CallEvent> {
        let held = self.mock(|mock| mock.wait_paused_calls(calls, CALL_TIMEOUT));
        assert_eq!(held.len(), calls, "{held:#?}");
        held
    }

    /// Lets the calls that are held go on.
    pub(crate) fn release(&self) {
        self.mock(Mock::release);
    }

    /// Puts a job in that nobody here has made.
    pub(crate) fn seed(&self, edit: impl FnOnce(&mut Job)) -> Job {
        self.mock(|mock| mock.seed_job(edit))
    }

    /// Has every call of an operation fail like this from now on.
    pub(crate) fn fail(&self, verb: &str, kind: FaultKind) {
        self.set_faults([fault(verb, kind)]);
    }

    /// Rejects every call of an operation from now on.
    pub(crate) fn deny(&self, verb: &str) {
        self.fail(verb, FaultKind::error(403, "OperationDenied"));
    }

    /// Nothing responds from now on.
    pub(crate) fn goes_down(&self) {
        let mock = self.mock.take();
        self.last_calls
            .replace(mock.as_ref().map_or_else(Vec::new, Mock::calls));
    }

    /// Every call until now.
    pub(crate) fn calls(&self) -> Vec<RecordedCall> {
        match self.mock.borrow().as_ref() {
            Some(mock) => mock.calls(),
            None => self.last_calls.borrow().clone(),
        }
    }

    /// Every call of an operation until now.
    pub(crate) fn calls_of(&self, verb: &str) -> Vec<RecordedCall> {
        let action = format!("{verb}EdgeTranscodeJob");
        let mut calls = self.calls();
        calls.retain(|call| call.action.as_deref() == Some(&action));
        calls
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
