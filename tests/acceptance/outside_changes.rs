//! What others do to a job behind Terraform's back.

use crate::JOB;
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::JobStatus;

over_each_terraform! {
    a_job_deleted_outside_is_planned_again,
    destroying_a_job_that_is_already_gone_succeeds,
    a_job_edited_outside_is_shown_and_corrected,
    a_job_stopped_outside_is_started_again,
}

fn a_job_deleted_outside_is_planned_again(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let first = world.cloud.job();
    world.cloud.delete();

    let applied = world.apply().succeeded();
    assert_eq!(applied.drifted(), [(JOB.to_owned(), "delete".to_owned())]);
    assert_eq!(applied.planned(), [(JOB.to_owned(), "create".to_owned())]);
    assert_ne!(world.cloud.job().job_id, first.job_id);
}

fn destroying_a_job_that_is_already_gone_succeeds(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.cloud.delete();
    // Without a refresh the provider itself has to find out.
    world
        .run(&["destroy", "-json", "-auto-approve", "-refresh=false"])
        .succeeded();
    assert!(world.state(JOB).is_null());
}

fn a_job_edited_outside_is_shown_and_corrected(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let before = world.cloud.job();
    world.cloud.edit(|job| {
        job.name = "by-hand".into();
        job.stream_input = "rtmp://pull.example.com/live/by-hand".into();
        job.stream_output = "rtmp://push.example.com/live/by-hand".into();
        job.template_id = "tpl-uhd-4k".into();
    });

    let applied = world.apply().succeeded();
    assert_eq!(applied.drifted(), [(JOB.to_owned(), "update".to_owned())]);
    assert_eq!(applied.planned(), [(JOB.to_owned(), "update".to_owned())]);
    let after = world.cloud.job();
    assert_eq!(
        (
            after.name,
            after.stream_input,
            after.stream_output,
            after.template_id
        ),
        (
            before.name,
            before.stream_input,
            before.stream_output,
            before.template_id
        ),
    );
    world.plan().is_empty();
}

fn a_job_stopped_outside_is_started_again(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);

    let applied = world.apply().succeeded();
    assert_eq!(applied.planned(), [(JOB.to_owned(), "update".to_owned())]);
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}
