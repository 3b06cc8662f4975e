//! Two jobs that exist, of which one goes on with the output stream that the other ends.

use std::time::Duration;

use time::OffsetDateTime;

use crate::support::cloud::fault;
use crate::support::configuration::Block;
use crate::support::terraform::Severity;
use crate::support::workspace::{APPLY, TestWorkspace};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Job, JobStatus, SecondWriter};

over_newest_terraform! {
    a_job_takes_over_the_stream_of_one_that_is_stopped_through_an_outage,
    a_job_takes_over_the_stream_of_one_that_moves_on_through_an_outage,
    a_job_that_cannot_be_deleted_stays_stopped_beside_one_that_has_taken_over,
    a_job_that_cannot_be_started_with_its_new_settings_runs_with_the_old_ones,
    a_job_that_the_start_of_another_one_has_stopped_goes_on_with_its_new_stream,
    a_job_that_the_start_of_another_one_has_stopped_is_owed_its_start,
    a_job_that_the_start_of_another_one_has_stopped_is_owed_its_start_though_it_cannot_be_read,
    a_job_that_the_start_of_another_one_has_stopped_is_started_though_its_update_has_no_response,
    a_job_that_the_start_of_another_one_has_stopped_is_started_through_an_outage,
    a_job_that_the_start_of_another_one_has_stopped_is_replaced_by_a_running_one,
    a_job_that_the_start_of_another_one_has_stopped_for_good_stays_stopped,
    a_job_that_is_shown_as_running_when_another_one_has_stopped_it_goes_on,
    a_job_that_somebody_has_stopped_before_another_one_takes_its_stream_stays_stopped,
    a_job_that_cannot_be_started_does_not_write_a_stream_that_was_taken_over,
    a_job_that_cannot_be_deleted_is_started_again_if_no_other_writes_its_stream,
    a_stop_that_is_rejected_ends_no_stream,
}

const NEW: &str = "alicloud_live_edge_transcode_job.new";

/// A job for the stream that both write.
fn job(label: &str, status: &str) -> Block {
    Block::job(label)
        .text("stream_output", "rtmp://push.example.com/live/same")
        .text("status", status)
}

/// A job without status for a stream of its own.
fn job_on(label: &str, stream: &str) -> Block {
    let output = format!("rtmp://push.example.com/live/{stream}");
    Block::job(label).text("stream_output", &output)
}

/// Applies these jobs, and starts them by hand.
fn applied_and_started(world: &TestWorkspace, jobs: &[Block]) {
    let blocks: String = jobs.iter().map(Block::to_string).collect();
    world.applied(blocks);
    for job in world.cloud.jobs() {
        let run = |job: &mut Job| job.status = JobStatus::Running;
        world.cloud.edit_job(&job.job_id, run);
    }
    world
        .run(&["apply", "-json", "-auto-approve", "-refresh-only"])
        .succeeded();
}

fn id_of(world: &TestWorkspace, label: &str) -> Option<String> {
    let state = world.state(&format!("alicloud_live_edge_transcode_job.{label}"));
    state["job_id"].as_str().map(str::to_owned)
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
    let away = fault("Start", FaultKind::service_unavailable()).times(6);
    world.cloud.set_faults([away]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-new"]);
}

fn a_job_takes_over_the_stream_of_one_that_moves_on_through_an_outage(world: &TestWorkspace) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    let old = job_on("old", "same").text("status", "Running");
    let new = job_on("new", "other").with("depends_on", "[alicloud_live_edge_transcode_job.old]");
    world.applied(format_args!("{old}{new}"));
    let new = new
        .text("stream_output", "rtmp://push.example.com/live/same")
        .text("status", "Running");
    let old = job_on("old", "next").text("status", "Running");
    world.configure(format_args!("{old}{new}"));
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "new"),
        ..fault("Start", FaultKind::service_unavailable()).times(6)
    }]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-new", "job-old"]);
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

/// Another job writes the new output, say.
fn a_job_that_cannot_be_started_with_its_new_settings_runs_with_the_old_ones(
    world: &TestWorkspace,
) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::Rejected);
    for status in [None, Some("Running")] {
        let job = |label: &str| {
            let job = Block::job(label);
            match status {
                Some(status) => job.text("status", status),
                None => job,
            }
        };
        world.applied(job("it"));
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let output = "rtmp://push.example.com/live/taken";
        let other = world.cloud.seed(|job| {
            job.status = JobStatus::Running;
            output.clone_into(&mut job.stream_output);
        });
        world.configure(job("it").text("stream_output", output));
        let error = world.apply_error();
        error.must_say(&[
            "Unable to update job",
            "OperationDenied",
            "is now Running, with its old settings",
            "could not be started",
        ]);
        assert_eq!(running_jobs(world).len(), 2);
        world.configure(job("it"));
        world.plan().is_empty();
        world.cloud.delete_job(&other.job_id);
        world.configure(job("it").text("stream_output", output));
        world.apply().succeeded();
        assert!(world.cloud.is_running());
        world.plan().is_empty();
        world.destroy_all();
    }
}

/// Two running jobs. The second one is to take the stream of the first one, which is to move on after that.
fn b_is_to_stop_a(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::FirstStopped);
    applied_and_started(world, &[job_on("a", "one"), job_on("b", "two")]);
    let a = job_on("a", "three").with("depends_on", "[alicloud_live_edge_transcode_job.b]");
    world.configure(format_args!("{a}{}", job_on("b", "one")));
}

/// The API may stop the job that writes a stream when another one is started for it.
fn a_job_that_the_start_of_another_one_has_stopped_goes_on_with_its_new_stream(
    world: &TestWorkspace,
) {
    b_is_to_stop_a(world);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
    world.plan().is_empty();
}

/// What this run has stopped it owes.
fn a_job_that_the_start_of_another_one_has_stopped_is_owed_its_start(world: &TestWorkspace) {
    b_is_to_stop_a(world);
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..fault("Start", FaultKind::error(403, "OperationDenied"))
    }]);
    let error = world.apply_error();
    error.must_say(&["Unable to update job", "is now Stopped"]);
    // It does not get its old output back, on which the other one runs.
    assert_eq!(running_jobs(world), ["job-b"]);
    world.cloud.set_faults([]);
    let plan = world.plan();
    plan.warning()
        .must_say(&["A stopped job will be started again"]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
    world.plan().is_empty();
}

/// As the configuration says, too.
fn a_job_that_the_start_of_another_one_has_stopped_is_owed_its_start_though_it_cannot_be_read(
    world: &TestWorkspace,
) {
    b_is_to_stop_a(world);
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..fault("Get", FaultKind::error(403, "Forbidden.RAM"))
    }]);
    world.run(&["apply", "-json", "saved"]).failed();
    assert_eq!(running_jobs(world), ["job-b"]);
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
}

fn a_job_that_the_start_of_another_one_has_stopped_is_started_though_its_update_has_no_response(
    world: &TestWorkspace,
) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    b_is_to_stop_a(world);
    let lost = fault("Update", FaultKind::Drop).when(FaultStage::After);
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..lost
    }]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
}

fn a_job_that_the_start_of_another_one_has_stopped_is_started_through_an_outage(
    world: &TestWorkspace,
) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::FirstStopped);
    world.set("MAX_RETRY_TIMEOUT", "1");
    let job = |label: &str, stream: &str| job_on(label, stream).text("status", "Running");
    world.applied(format_args!("{}{}", job("a", "one"), job("b", "two")));
    let a = job("a", "three").with("depends_on", "[alicloud_live_edge_transcode_job.b]");
    world.configure(format_args!("{a}{}", job("b", "one")));
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..fault("Start", FaultKind::service_unavailable()).times(6)
    }]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
}

/// The other one is started before this one is deleted.
fn a_job_that_the_start_of_another_one_has_stopped_is_replaced_by_a_running_one(
    world: &TestWorkspace,
) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::FirstStopped);
    applied_and_started(world, &[job_on("a", "one"), job_on("b", "two")]);
    let a = job_on("a", "three").text("cluster_id", "cluster-2");
    world.configure(format_args!("{a}{}", job_on("b", "one")));
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    world.set("CLIENT_READ_TIMEOUT", "120000");
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..fault("Get", FaultKind::Pause).times(1)
    }]);
    let running = world.start(&["apply", "-json", "saved"]);
    running.wait_printed(&["apply_complete", "alicloud_live_edge_transcode_job.b"]);
    world.cloud.release();
    world.end_of(running).succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
    world.plan().is_empty();
}

/// The API shows late that it has stopped the job, and rejects another stop.
fn a_job_that_is_shown_as_running_when_another_one_has_stopped_it_goes_on(world: &TestWorkspace) {
    world.cloud.configure(|behavior| {
        behavior.second_writer = SecondWriter::FirstStopped;
        behavior.status_lag_gets = 3;
    });
    applied_and_started(world, &[job_on("a", "one"), job_on("b", "two")]);
    let b = job_on("b", "three").with("depends_on", "[alicloud_live_edge_transcode_job.a]");
    world.configure(format_args!("{}{b}", job_on("a", "two")));
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
}

/// Not by a start of this run.
fn a_job_that_somebody_has_stopped_before_another_one_takes_its_stream_stays_stopped(
    world: &TestWorkspace,
) {
    applied_and_started(world, &[job_on("a", "one"), job_on("b", "two")]);
    let b = job_on("b", "three").with("depends_on", "[alicloud_live_edge_transcode_job.a]");
    world.configure(format_args!("{}{b}", job_on("a", "two")));
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    world.cloud.edit_job(&id_of(world, "b").unwrap(), |job| {
        job.status = JobStatus::NotStarted;
        job.last_stop_at = Some(OffsetDateTime::now_utc() - Duration::from_secs(60));
    });
    let run = world.run(&["apply", "-json", "saved"]).succeeded();
    assert_eq!(run.warnings("A job is no longer running").len(), 1, "{run}");
    assert_eq!(running_jobs(world), ["job-a"]);
}

/// Another job has gone on with its old output meanwhile.
fn a_job_that_cannot_be_started_does_not_write_a_stream_that_was_taken_over(world: &TestWorkspace) {
    applied_and_started(world, &[job_on("a", "one"), job_on("b", "two")]);
    world.configure(format_args!(
        "{}{}",
        job_on("a", "three"),
        job_on("b", "one")
    ));
    world.cloud.set_faults([Fault {
        job_id: id_of(world, "a"),
        ..fault("Start", FaultKind::error(403, "OperationDenied"))
    }]);
    let error = world.apply_error();
    error.must_say(&["OperationDenied", "is now Stopped", "with its new settings"]);
    assert_eq!(running_jobs(world), ["job-b"]);
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(running_jobs(world), ["job-a", "job-b"]);
    world.plan().is_empty();
}

/// The other one was to take over, and could not be changed.
fn a_job_that_cannot_be_deleted_is_started_again_if_no_other_writes_its_stream(
    world: &TestWorkspace,
) {
    let [a, d] = [job_on("a", "one"), job_on("d", "two")];
    applied_and_started(world, &[a, d]);
    world.configure(job_on("a", "two"));
    let held = fault("Delete", FaultKind::Pause)
        .when(FaultStage::Arrival)
        .times(1);
    world.cloud.set_faults([
        held,
        fault("Delete", FaultKind::error(403, "OperationDenied")),
        fault("Update", FaultKind::error(400, "InvalidParameter")),
    ]);
    let running = world.start(APPLY);
    running.wait_printed(&["apply_errored", "alicloud_live_edge_transcode_job.a"]);
    world.cloud.wait_paused();
    world.cloud.release();
    world.end_of(running).failed();
    assert_eq!(running_jobs(world), ["job-a", "job-d"]);
}

/// That was what the configuration asks for: a failover.
fn a_job_that_the_start_of_another_one_has_stopped_for_good_stays_stopped(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::FirstStopped);
    let main = job_on("main", "same");
    let backup = job_on("backup", "same");
    world.applied(format_args!("{main}{backup}"));
    let run = |job: &mut Job| job.status = JobStatus::Running;
    world.cloud.edit_job(&id_of(world, "main").unwrap(), run);
    world
        .run(&["apply", "-json", "-auto-approve", "-refresh-only"])
        .succeeded();
    let main = main
        .text("name", "renamed")
        .with("depends_on", "[alicloud_live_edge_transcode_job.backup]");
    world.configure(format_args!("{main}{}", backup.text("status", "Running")));
    let run = world.apply().succeeded();
    let warnings = run.warnings("A job is no longer running");
    assert_eq!(warnings.len(), 1, "{run}");
    assert_eq!(running_jobs(world), ["job-backup"]);
}

/// The start that is rejected for it is no loss, so the run goes on to change others.
fn a_stop_that_is_rejected_ends_no_stream(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::Rejected);
    let other = Block::running_job("other");
    let [old, new] = [job("old", "Running"), job("new", "Stopped")];
    world.applied(format_args!("{old}{new}{other}"));
    let [old, new] = [job("old", "Stopped"), job("new", "Running")];
    world.configure(format_args!("{old}{new}{}", other.text("name", "renamed")));
    world.set("CLIENT_READ_TIMEOUT", "120000");
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    world.cloud.set_faults([
        Fault {
            job_id: id_of(world, "old"),
            ..fault("Stop", FaultKind::error(403, "Forbidden.RAM"))
        },
        // The other one is read when both have failed.
        Fault {
            job_id: id_of(world, "other"),
            ..fault("Get", FaultKind::Pause).times(1)
        },
    ]);
    let running = world.start(&["apply", "-json", "saved"]);
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
