//! The cloud of a test: the mock API in this process, with calls that block.

use alicloud_live::mock::{Job, JobStatus, Mock, Settings};
use tokio::runtime::Runtime;

pub(crate) const ACCESS_KEY_ID: &str = "acceptance-access-key-id";
/// Appears nowhere but in the environment of Terraform and in the mock: what it is found in has leaked it.
pub(crate) const ACCESS_KEY_SECRET: &str = "5ecre7acce55key5ecre7acce55key";
/// A second cluster, beside `cluster-1`.
pub(crate) const OTHER_CLUSTER: &str = "cluster-2";

pub(crate) struct Cloud {
    // Before the runtime, so that it ends first.
    mock: Mock,
    runtime: Runtime,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let mut settings = Settings {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            access_key_secret: ACCESS_KEY_SECRET.to_owned(),
            ..Settings::default()
        };
        settings.clusters.push(OTHER_CLUSTER.to_owned());
        let runtime = Runtime::new().unwrap();
        let mock = runtime.block_on(Mock::start(settings)).unwrap();
        Self { mock, runtime }
    }

    pub(crate) fn url(&self) -> String {
        self.mock.url().to_string()
    }

    pub(crate) fn mock(&self) -> &Mock {
        &self.mock
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.mock.jobs()
    }

    /// The only job that there is.
    #[track_caller]
    pub(crate) fn job(&self) -> Job {
        let mut jobs = self.jobs();
        assert_eq!(jobs.len(), 1, "one job was expected: {jobs:#?}");
        jobs.remove(0)
    }

    /// Changes the only job behind Terraform's back.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Job)) {
        self.mock.edit_job(&self.job().job_id, change);
    }

    /// Deletes the only job behind Terraform's back.
    pub(crate) fn delete(&self) {
        self.mock.remove_job(&self.job().job_id);
    }

    /// Whether the only job runs.
    pub(crate) fn is_running(&self) -> bool {
        self.job().status == JobStatus::Running
    }

    /// Stops the listener: from now on nothing answers at [`Cloud::url`].
    pub(crate) fn goes_down(&self) {
        self.runtime.block_on(self.mock.stop());
    }

    /// The calls since the last time this was asked that were to change something: `Create`, `Update`, `Start`, …
    pub(crate) fn changes(&self) -> Vec<String> {
        let calls = self.mock.calls();
        calls
            .iter()
            .filter_map(|call| call.action.strip_suffix("EdgeTranscodeJob"))
            .filter(|action| !["Get", "List"].contains(action))
            .map(str::to_owned)
            .collect()
    }
}
