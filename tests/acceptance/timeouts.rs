//! The block `timeouts`: time that is over ends an operation, and loses nothing.

use crate::JOB;
use crate::support::cloud::{fault, promise};
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{FaultKind, FaultStage};

over_newest_terraform! {
    a_create_ends_in_time_and_keeps_the_job,
    an_update_ends_in_time_and_says_what_it_waited_for,
    a_delete_ends_in_time_and_keeps_the_job_in_the_state,
    a_read_ends_in_time_and_keeps_the_state,
    a_create_without_a_response_in_its_time_is_looked_for,
    a_block_without_timeouts_changes_nothing,
}

fn a_running_job(operation: &str, time: &str) -> Block {
    let timeouts = Block::new("timeouts").text(operation, time);
    Block::running_job("it").containing(timeouts)
}

fn a_create_ends_in_time_and_keeps_the_job(world: &TestWorkspace) {
    world.cloud.set_faults([promise("Start")]);
    world.configure(a_running_job("create", "2s"));
    let error = world.apply_error();
    error.must_say(&[
        "Timed out waiting for the job to run (last status: Stopped).",
        "timeouts",
        "untaint",
    ]);
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    assert!(world.is_tainted(JOB));
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn an_update_ends_in_time_and_says_what_it_waited_for(world: &TestWorkspace) {
    world.applied(a_running_job("update", "2s").text("status", "Stopped"));
    world.cloud.set_faults([promise("Start")]);
    world.configure(a_running_job("update", "2s"));
    let error = world.apply_error();
    error.must_say(&[
        "Timed out waiting for the job to run (last status: Stopped).",
        "is now Stopped",
    ]);
    assert!(!world.is_tainted(JOB));
    world.cloud.set_faults([]);
    world.apply().succeeded();
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Start"]);
}

fn a_delete_ends_in_time_and_keeps_the_job_in_the_state(world: &TestWorkspace) {
    world.applied(a_running_job("delete", "2s"));
    world.cloud.set_faults([promise("Stop")]);
    world.destroy().failed().error().must_say(&[
        "Timed out waiting for the job to be stopped (last status: Running).",
        "is now Running",
    ]);
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    world.cloud.set_faults([]);
    world.destroy_all();
}

fn a_read_ends_in_time_and_keeps_the_state(world: &TestWorkspace) {
    world.applied(a_running_job("read", "1s"));
    let state = world.state_file();
    world.cloud.fail("Get", FaultKind::Hang);
    let error = world.plan_error();
    error.must_say(&["Unable to read job", "no complete response", "within 1."]);
    assert_eq!(world.state_file(), state);
}

/// The call is listened to for 5 s more, and then the job is looked for.
fn a_create_without_a_response_in_its_time_is_looked_for(world: &TestWorkspace) {
    world.configure(a_running_job("create", "2s"));
    world
        .cloud
        .set_faults([fault("Create", FaultKind::Hang).when(FaultStage::After)]);
    let error = world.apply_error();
    error.must_say(&["Job created but not in the planned state", "is now Stopped"]);
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    assert_eq!(world.cloud.changes(), ["Create"]);
    world.destroy_all();
}

/// As a module writes it, whose caller has set no timeout.
fn a_block_without_timeouts_changes_nothing(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    for timeouts in [
        Block::new("timeouts"),
        Block::new("timeouts").with("create", "null"),
    ] {
        world.applied(Block::job("it").containing(timeouts));
        world.plan().is_empty();
    }
    world.applied(Block::job("it"));
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create"]);
}
