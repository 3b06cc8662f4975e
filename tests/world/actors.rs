//! Everybody but Terraform: people in the console, and what ends processes and connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use alicloud_auth::credentials::Clock as _;
use alicloud_live_mock::JobStatus;

use crate::api::Cloud;
use crate::configuration::Job;
use crate::core::Control;
use crate::story::{Act, ConsoleAction, Moment, Operator};

/// Who acts in the middle of a run.
pub struct Actors {
    cloud: Arc<Cloud>,
    control: Arc<Control>,
    acts: Vec<(Moment, Act)>,
}

impl Actors {
    pub fn new(cloud: &Arc<Cloud>, control: &Arc<Control>, acts: Vec<(Moment, Act)>) -> Arc<Self> {
        Arc::new(Self {
            cloud: Arc::clone(cloud),
            control: Arc::clone(control),
            acts,
        })
    }

    pub fn act_at(&self, moment: Moment) {
        let due = self.acts.iter().filter(|(when, _)| *when == moment);
        for (_, act) in due {
            self.act(*act);
        }
    }

    fn act(&self, act: Act) {
        match act {
            Act::Operator(operator) => operate(&self.cloud, operator),
            Act::Trouble(trouble, time) => {
                self.cloud
                    .begin_trouble(trouble, Duration::from_millis(time));
            }
            Act::Interrupt => self.control.interrupt(),
            Act::InterruptTwice => {
                self.control.interrupt();
                self.control.interrupt();
            }
            Act::KillCore { with_provider } => {
                let kills_provider = &self.control.kills_provider;
                kills_provider.store(with_provider, Ordering::Relaxed);
                self.control.kill.cancel();
            }
            Act::KillProvider => self.control.kill_provider(),
            Act::Suspend(seconds) => self.cloud.clock.sleep_through(Duration::from_secs(seconds)),
        }
    }
}

/// Somebody works in the console, under the API's own rules.
pub fn operate(cloud: &Cloud, operator: Operator) {
    let prefix = format!("stream-{}-", operator.stream);
    let job = cloud
        .jobs()
        .into_iter()
        .find(|job| job.name.starts_with(&prefix));
    let mock = cloud.mock();
    let now = cloud.clock.now();
    match (operator.action, job) {
        (ConsoleAction::Start, Some(job)) if job.status == JobStatus::NotStarted => {
            mock.edit_job(&job.job_id, |job| {
                job.status = JobStatus::Running;
                job.last_start_at = Some(now);
            });
            cloud.note("Start", &job.job_id);
        }
        (ConsoleAction::Stop, Some(job)) if job.status == JobStatus::Running => {
            mock.edit_job(&job.job_id, |job| {
                job.status = JobStatus::NotStarted;
                job.last_stop_at = Some(now);
            });
            cloud.note("Stop", &job.job_id);
        }
        (ConsoleAction::Delete, Some(job)) => {
            mock.remove_job(&job.job_id);
            cloud.note("Delete", &job.job_id);
        }
        (ConsoleAction::ChangeTemplate, Some(job)) if job.status == JobStatus::NotStarted => {
            mock.edit_job(&job.job_id, |job| {
                "tpl-uhd-4k".clone_into(&mut job.template_id);
                "uhd-4k".clone_into(&mut job.template_name);
            });
            cloud.note("Update", &job.job_id);
        }
        (ConsoleAction::CreateDuplicate, _) => {
            let fields = Job::of_stream(operator.stream);
            let created = mock.seed_job(|job| {
                fields.cluster_id().clone_into(&mut job.cluster_id);
                fields.template_id().clone_into(&mut job.template_id);
                fields.template_id()[4..].clone_into(&mut job.template_name);
                job.name = fields.job_name();
                job.stream_input = fields.stream_input();
                job.stream_output = fields.stream_output();
            });
            cloud.note("Create", &created.job_id);
        }
        _ => {}
    }
}
