//! Creates whose responses are lost: one job for each, and each in the state.

use crate::JOB;
use crate::support::cloud::fault;
use crate::support::configuration::Block;
use crate::support::relay::Relay;
use crate::support::workspace::{APPLY, TestWorkspace};
use alicloud_live_mock::{FaultKind, FaultStage, JobStatus};

over_newest_terraform! {
    connections_that_go_silent_are_used_for_no_retry,
    a_job_whose_response_is_lost_is_found_where_nonces_are_checked,
    a_job_whose_response_is_lost_is_found_where_they_are_not,
    a_job_whose_request_is_lost_is_made_by_the_identical_request,
    identical_jobs_whose_responses_are_lost_are_told_apart,
    an_unreadable_response_to_a_create_is_as_good_as_lost,
    a_start_or_stop_whose_response_is_lost_may_be_seen_late,
    a_job_that_is_not_listed_in_time_is_named_by_the_next_plan,
}

fn a_job_whose_response_is_lost_is_found_where_nonces_are_checked(world: &TestWorkspace) {
    a_job_whose_response_is_lost_is_found(world, true, FaultKind::Drop);
}

fn a_job_whose_response_is_lost_is_found_where_they_are_not(world: &TestWorkspace) {
    a_job_whose_response_is_lost_is_found(world, false, FaultKind::Drop);
}

fn an_unreadable_response_to_a_create_is_as_good_as_lost(world: &TestWorkspace) {
    a_job_whose_response_is_lost_is_found(world, true, FaultKind::html());
}

fn a_job_whose_response_is_lost_is_found(
    world: &TestWorkspace,
    check_nonces: bool,
    loss: FaultKind,
) {
    let cloud = &world.cloud;
    cloud.configure(|config| config.check_nonces = check_nonces);
    cloud.set_faults([fault("Create", loss).when(FaultStage::After).times(1)]);
    world.applied(Block::running_job("it"));
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
    world.plan().is_empty();
}

/// Takes 7 s: so long a list may lag before the absence of a job from it means anything.
fn a_job_whose_request_is_lost_is_made_by_the_identical_request(world: &TestWorkspace) {
    let lost = fault("Create", FaultKind::Drop).when(FaultStage::Arrival);
    world.cloud.set_faults([lost.times(1)]);
    world.applied(Block::job("it"));
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    let calls = world.cloud.calls_of("Create");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].parameters, calls[1].parameters);
    world.plan().is_empty();
}

fn identical_jobs_whose_responses_are_lost_are_told_apart(world: &TestWorkspace) {
    let lost = fault("Create", FaultKind::Drop).when(FaultStage::After);
    world.cloud.set_faults([lost.times(2)]);
    world.applied(Block::job("it").with("count", "2"));
    let made = world.cloud.job_ids();
    assert_eq!(made.len(), 2);
    assert_eq!(world.job_ids(JOB), made);
    assert_eq!(world.cloud.changes(), ["Create", "Create"]);
    world.plan().is_empty();
}

/// No list can be read before the create's timeout.
fn a_job_that_is_not_listed_in_time_is_named_by_the_next_plan(world: &TestWorkspace) {
    world.cloud.set_faults([
        fault("Create", FaultKind::Drop).when(FaultStage::After),
        fault("List", FaultKind::service_unavailable()),
    ]);
    let timeouts = Block::new("timeouts").text("create", "3s");
    world.configure(Block::job("it").containing(timeouts));
    let error = world.apply_error();
    error.must_say(&[
        "Job may have been created",
        "Whether the job was created is not known. The cluster's list could not be read.",
        "The job may appear later. Plan again in a few minutes: the plan warns of the job and names it if it exists.",
    ]);
    assert!(world.state(JOB).is_null());

    world.cloud.set_faults([]);
    let job_id = world.cloud.job().job_id;
    world.plan().warning().must_say(&[&job_id]);
}

/// The second attempt proves that the first one arrived, and the third is rejected because that was carried out.
fn a_start_or_stop_whose_response_is_lost_may_be_seen_late(world: &TestWorkspace) {
    world.cloud.configure(|config| config.status_lag_gets = 2);
    for (verb, status) in [("Start", "Running"), ("Stop", "Stopped")] {
        let lost = fault(verb, FaultKind::Drop).when(FaultStage::After);
        world.cloud.set_faults([lost.times(1)]);
        world.applied(Block::job("it").text("status", status));
        assert_eq!(world.state(JOB)["status"], status);
        assert_eq!(world.cloud.calls_of(verb).len(), 3);
        world.plan().is_empty();
    }
}

/// Each call that waits in vain costs one timeout, and no retry meets another of the silent connections.
fn connections_that_go_silent_are_used_for_no_retry(world: &TestWorkspace) {
    let relay = Relay::to(world.cloud.address());
    world.set("LIVE_ENDPOINT", &relay.url());
    let provider = Block::provider().with("client_read_timeout", "2000");
    let jobs = Block::job("it").with("count", "8");
    world.applied_all(format_args!("{provider}{jobs}"));

    let jobs = jobs.text("status", "Running");
    world.configure_all(format_args!("{provider}{jobs}"));
    let running = world.start_held(APPLY, "Start", FaultStage::Before);
    assert!(relay.silence() > 1);
    world.cloud.release();
    world.end_of(running).succeeded();
    let jobs = world.cloud.jobs();
    assert!(jobs.iter().all(|job| job.status == JobStatus::Running));
    world.plan().is_empty();
}
