//! Running and stopped: what `status` promises, and what an update does to a running job.

use crate::JOB;
use crate::support::configuration::Block;
use crate::support::terraform::Severity;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::JobStatus;

over_each_terraform! {
    a_job_is_started_and_stopped,
    a_running_job_is_stopped_updated_and_started_again,
    an_update_may_start_or_stop_the_job_too,
    a_status_that_is_not_set_is_left_alone,
    destroy_stops_a_running_job_first,
}

fn a_job_is_started_and_stopped(world: &TestWorkspace) {
    for (status, running) in [("Running", true), ("Stopped", false), ("Running", true)] {
        world.applied(Block::job("it").text("status", status));
        assert_eq!(world.cloud.is_running(), running);
        assert_eq!(world.state(JOB)["status"], status);
    }
    let state = world.state(JOB);
    assert!(
        state["last_start_at"].is_string() && state["last_stop_at"].is_string(),
        "{state:#}"
    );
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Stop", "Start"]);
}

fn a_running_job_is_stopped_updated_and_started_again(world: &TestWorkspace) {
    let job = Block::running_job("it");
    world.applied(&job);

    let applied = world.applied(job.text("name", "renamed"));
    let warnings = applied.diagnostics(Severity::Warning);
    assert!(
        warnings.iter().any(|warning| warning.says("interrupt")),
        "{warnings:#?}"
    );
    let changes = ["Create", "Start", "Stop", "Update", "Start"];
    assert_eq!(world.cloud.changes(), changes);
    assert!(world.cloud.is_running());
    assert_eq!(world.cloud.job().name, "renamed");
    world.plan().is_empty();
}

fn an_update_may_start_or_stop_the_job_too(world: &TestWorkspace) {
    let job = Block::job("it");
    world.applied(&job);
    world.applied(job.clone().text("name", "second").text("status", "Running"));
    world.applied(job.text("name", "third").text("status", "Stopped"));
    let changes = ["Create", "Update", "Start", "Stop", "Update"];
    assert_eq!(world.cloud.changes(), changes);
}

fn a_status_that_is_not_set_is_left_alone(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);

    world.plan().is_empty();
    world.applied(Block::job("it").text("name", "renamed"));
    assert!(
        world.cloud.is_running(),
        "the update must give the job its run state back"
    );
    assert_eq!(world.state(JOB)["status"], "Running");
    assert_eq!(world.cloud.changes(), ["Create", "Stop", "Update", "Start"]);
    world.plan().is_empty();
}

fn destroy_stops_a_running_job_first(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));

    let destroyed = world.destroy().succeeded();
    let warnings = destroyed.diagnostics(Severity::Warning);
    assert!(
        warnings.iter().any(|warning| warning.says("running")),
        "{warnings:#?}"
    );
    assert!(world.cloud.jobs().is_empty());
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Stop", "Delete"]);
}
