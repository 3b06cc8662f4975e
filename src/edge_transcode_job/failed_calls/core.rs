//! What Terraform's core does: it asks for operations, and keeps the state.

use alicloud_live::CallContext;
use tfplugin::value::Value;
use tfplugin::{Diagnostics, ProgressReporter, Update};

use crate::edge_transcode_job::actions::{ActionKind, Invocation};
use crate::edge_transcode_job::model::{JobModel, RUNNING};
use crate::edge_transcode_job::private::JobPrivate;
use crate::edge_transcode_job::run_state::JobHandle;
use crate::edge_transcode_job::{create, delete, plan, update};
use crate::shared::provider_data::Session;
use crate::shared::scripted_api::the_job;

/// What is in the state after an operation.
#[derive(Default)]
pub(super) struct Left {
    pub(super) jobs: Vec<(JobModel, JobPrivate)>,
    /// Whether Ctrl-C came between the two operations of a replacement: core does not ask for the second one.
    pub(super) is_halted: bool,
}

fn prior() -> JobModel {
    let text = |text: &str| Value::Value(text.to_owned());
    JobModel {
        name: text("n"),
        template_id: text("t"),
        stream_input: text("rtmp://in/a/b"),
        stream_output: text("rtmp://out/a/b"),
        status: text(RUNNING),
        ..JobModel::from_identity(&the_job())
    }
}

/// The job that takes the place of the old one, without a configured status.
fn planned() -> JobModel {
    JobModel {
        job_id: Value::Unknown,
        status: Value::Unknown,
        ..prior()
    }
}

pub(super) fn plain(private: JobPrivate) -> JobPrivate {
    JobPrivate {
        is_plain_deletion: true,
        ..private
    }
}

pub(super) struct Core<'a> {
    pub(super) session: &'a Session,
    pub(super) ctx: &'a CallContext,
    pub(super) diagnostics: Diagnostics,
}

impl Core<'_> {
    pub(super) async fn update(&mut self, private: JobPrivate) -> Left {
        let target = JobModel {
            name: Value::Value("new".to_owned()),
            status: Value::Unknown,
            ..prior()
        };
        let config = JobModel {
            status: Value::Null,
            ..target.clone()
        };
        let change = Update {
            prior: prior(),
            target,
            config,
            private,
        };
        let left = update::update(self.session, change, self.ctx, &mut self.diagnostics).await;
        Left::from(Some(left))
    }

    /// Where the provider returns nothing after a failure, core keeps what it has.
    pub(super) async fn delete(&mut self, private: JobPrivate) -> Left {
        let kept = (prior(), private.clone().stored());
        let deletion = delete::delete(
            self.session,
            prior(),
            private,
            self.ctx,
            &mut self.diagnostics,
        );
        let left = deletion.await;
        Left::from(left.or((!self.diagnostics.errors.is_empty()).then_some(kept)))
    }

    async fn create(&mut self, private: JobPrivate) -> Left {
        let creation = create::create(
            self.session,
            planned(),
            &private,
            self.ctx,
            &mut self.diagnostics,
        );
        Left::from(creation.await)
    }

    pub(super) async fn replace(&mut self, private: JobPrivate) -> Left {
        let private = plan::private(&prior(), &planned(), private);
        let mut left = self.delete(private.clone()).await;
        if left.jobs.is_empty() {
            if self.ctx.interruption().is_none() {
                return self.create(private.replaced_by(&planned())).await;
            }
            left.is_halted = true;
        }
        left
    }

    pub(super) async fn replace_later(&mut self, private: JobPrivate) -> Left {
        let of_new = plan::private(&prior(), &planned(), private.clone());
        let mut left = self.create(of_new.replaced_by(&planned())).await;
        let has_failed = !self.diagnostics.errors.is_empty();
        left.is_halted = !has_failed && self.ctx.interruption().is_some();
        if has_failed || left.is_halted {
            left.jobs.push((prior(), private));
        } else {
            let old = self.delete(plain(private)).await;
            left.jobs.extend(old.jobs);
        }
        left
    }

    /// Knows no state.
    pub(super) async fn restart(&mut self, private: JobPrivate) -> Left {
        let (id, (progress, _messages)) = (the_job(), ProgressReporter::new());
        let invocation = Invocation {
            job: JobHandle::new(self.session, &id, self.ctx),
            progress: &progress,
        };
        if let Err(error) = invocation.run(ActionKind::Restart, false).await {
            self.diagnostics.add_error(error);
        }
        Left::from(Some((prior(), private)))
    }
}

impl From<Option<(JobModel, JobPrivate)>> for Left {
    fn from(job: Option<(JobModel, JobPrivate)>) -> Self {
        Self {
            jobs: job.into_iter().collect(),
            is_halted: false,
        }
    }
}
