//! Two jobs that exist, of which one goes on with the output stream that the other ends.

use crate::support::cloud::fault;
use crate::support::configuration::Block;
use crate::support::terraform::Severity;
use crate::support::workspace::{APPLY, TestWorkspace};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Job, JobStatus, SecondWriter};

over_newest_terraform! {
    a_job_takes_over_the_stream_of_one_that_is_stopped_through_an_outage,
    a_job_that_cannot_be_deleted_stays_stopped_beside_one_that_has_taken_over,
    a_stop_that_is_rejected_ends_no_stream,
}

const NEW: &str = "alicloud_live_edge_transcode_job.new";

/// A job for the stream that both write.
fn job(label: &str, status: &str) -> Block {
    Block::job(label)
        .text("stream_output", "rtmp://push.example.com/live/same")
        .text("status", status)
}

fn running_jobs(world: &TestWorkspace) -> Vec<String> {
    let running = |job: &Job| job.status == JobStatus::Running;
    let jobs = world.cloud.jobs().into_iter();
    let mut names: Vec<_> = jobs.filter(running).map(|job| job.name).collect();
    names.sort();
    names
}

fn a_job_takes_over_the_stream_of_one_that_is_stopped_through_an_outage(world: &TestWorkspace) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    let after_old = |job: Block| job.with("depends_on", "[alicloud_live_edge_transcode_job.old]");
    let [old, new] = [job("old", "Running"), after_old(job("new", "Stopped"))];
    world.applied(format_args!("{old}{new}"));
    let [old, new] = [job("old", "Stopped"), after_old(job("new", "Running"))];
    world.configure(format_args!("{old}{new}"));
    let away = fault("Start", FaultKind::service_unavailable()).times(12);
    world.cloud.set_faults([away]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-new"]);
}

fn a_job_that_cannot_be_deleted_stays_stopped_beside_one_that_has_taken_over(
    world: &TestWorkspace,
) {
    let [old, new] = [job("old", "Running"), job("new", "Stopped")];
    world.applied(format_args!("{old}{new}"));
    world.configure(job("new", "Running"));
    let held = fault("Delete", FaultKind::Pause)
        .when(FaultStage::Arrival)
        .times(1);
    let denied = fault("Delete", FaultKind::error(403, "OperationDenied"));
    world.cloud.set_faults([held, denied]);
    let running = world.start(APPLY);
    running.wait_printed(&["apply_complete", NEW]);
    world.cloud.wait_paused();
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to delete job", "is now Stopped"]);
    assert_eq!(running_jobs(world), ["job-new"]);
    world.cloud.set_faults([]);
    world.apply().succeeded();
    world.plan().is_empty();
}

/// The start that is rejected for it is no loss, so the run goes on to change others.
fn a_stop_that_is_rejected_ends_no_stream(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::Rejected);
    let other = Block::running_job("other");
    let [old, new] = [job("old", "Running"), job("new", "Stopped")];
    world.applied(format_args!("{old}{new}{other}"));
    let id_of = |label: &str| {
        let state = world.state(&format!("alicloud_live_edge_transcode_job.{label}"));
        state["job_id"].as_str().map(str::to_owned)
    };
    let [old, new] = [job("old", "Stopped"), job("new", "Running")];
    world.configure(format_args!("{old}{new}{}", other.text("name", "renamed")));
    world.set("CLIENT_READ_TIMEOUT", "120000");
    world.cloud.set_faults([
        Fault {
            job_id: id_of("old"),
            ..fault("Stop", FaultKind::error(403, "Forbidden.RAM"))
        },
        // The other one is read when both have failed; the plan has read it before.
        Fault {
            job_id: id_of("other"),
            ..fault("Get", FaultKind::Pause).skip(1).times(1)
        },
    ]);
    let running = world.start(APPLY);
    running.wait_printed(&["apply_errored", NEW]);
    world.cloud.release();
    let errors = world.end_of(running).failed().diagnostics(Severity::Error);
    let is_braked = |said: &str| said.contains("was not stopped and keeps its settings");
    assert!(
        !errors.iter().any(|error| is_braked(&format!("{error:?}"))),
        "{errors:#?}"
    );
    assert_eq!(running_jobs(world), ["job-old", "renamed"]);
}
