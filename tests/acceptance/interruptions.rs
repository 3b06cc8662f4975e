//! Runs that do not come to their own end: killed by `SIGKILL`, or stopped by Ctrl-C.
//!
//! A call is held by the mock at the point that a case is about, so nothing here depends on time. Terraform leaves its
//! lock on the state behind when it is killed; the operating system has dropped that lock with the process, so the next
//! run needs neither `force-unlock` nor `-lock=false`, and none is used.

use crate::JOB;
use crate::actions::{config_of, invoke, with_config};
use crate::existing_jobs::named;
use crate::support::cloud::{fault, promise};
use crate::support::configuration::Block;
use crate::support::running::Running;
use crate::support::terraform::{Diagnostic, Run, Severity};
use crate::support::workspace::{APPLY, DESTROY, PLAN, TestWorkspace};
use alicloud_live_mock::{FaultKind, FaultStage};

over_each_terraform! {
    a_job_whose_maker_was_killed_is_named_and_can_be_imported,
    a_job_that_was_just_being_made_at_ctrl_c_is_in_the_state,
    a_job_that_was_made_just_before_ctrl_c_is_in_the_state,
    a_job_that_is_being_made_at_sigterm_is_in_the_state,
    ctrl_c_while_a_job_is_read_ends_the_run_at_once,
}

over_newest_terraform! {
    a_job_that_the_api_does_not_show_yet_at_ctrl_c_is_kept,
    a_job_whose_response_does_not_come_after_ctrl_c_is_looked_for,
    a_job_that_is_being_made_at_a_signal_for_the_provider_is_in_the_state,
    a_create_that_is_owed_ends_when_its_terraform_is_killed,
    an_update_whose_terraform_is_killed_leaves_the_stream_running,
    jobs_that_are_as_planned_are_finished_in_spite_of_ctrl_c,
    ctrl_c_while_waiting_for_a_start_keeps_the_job,
    ctrl_c_in_an_update_leaves_the_job_running,
    ctrl_c_between_stop_and_delete_leaves_the_job_running,
    a_stop_that_is_carried_out_after_its_start_was_rejected_is_made_good,

    killed_while_a_job_is_created,
    killed_while_a_new_job_is_started,
    killed_while_a_job_is_stopped_for_an_update,
    killed_while_a_job_is_updated,
    killed_while_a_job_is_started_after_an_update,
    killed_while_a_job_is_stopped_for_its_deletion,
    killed_while_a_job_is_deleted,
}

over_newest_terraform! {
    from "1.14":
    a_restart_whose_terraform_is_killed_leaves_the_stream_running,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Provider,
    Terraform,
    Both,
}

/// What becomes of the call that was in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is lost before the cloud carries it out.
    Lost,
    /// The cloud carries it out when its sender is dead already.
    DoneLater,
    /// The cloud has carried it out, and its response is on the way.
    Done,
}

const VICTIMS: [Victim; 3] = [Victim::Provider, Victim::Terraform, Victim::Both];

impl Victim {
    fn is_killed(self, running: &mut Running) {
        match self {
            Self::Provider => running.kill_provider(),
            Self::Terraform => running.kill_terraform(),
            Self::Both => running.kill_both(),
        }
    }
}

/// Runs a command and kills `victim` while the call `verb` is in flight. All its processes have ended then.
fn killed(world: &TestWorkspace, command: &[&str], verb: &str, victim: Victim, fate: Fate) {
    let at = |kind, point| fault(verb, kind).when(point).times(1);
    let (first, then) = match fate {
        Fate::Lost => (FaultStage::Before, at(FaultKind::Drop, FaultStage::Before)),
        Fate::DoneLater => (FaultStage::Before, at(FaultKind::Pause, FaultStage::After)),
        Fate::Done => (FaultStage::After, at(FaultKind::Drop, FaultStage::After)),
    };
    world.cloud.set_faults([at(FaultKind::Pause, first), then]);

    let mut running = world.start(command);
    world.cloud.wait_paused();
    victim.is_killed(&mut running);
    let ended = world.end_of(running);
    assert!(!ended.has_succeeded(), "{ended}");

    world.cloud.release();
    if fate == Fate::DoneLater {
        assert!(world.cloud.wait_paused().call.committed);
        world.cloud.release();
    }
    world.cloud.set_faults([]);
}

/// Plans; where that names a job, does exactly what the warning says; and applies. Returns whether a job was named.
fn applied_as_told(world: &TestWorkspace) -> bool {
    let warnings = named(&world.plan());
    for warning in &warnings {
        warning.must_say(&["If an interrupted run has created it"]);
        world.import(JOB, &id_to_import(warning)).succeeded();
    }
    world.apply().succeeded();
    world.plan().is_empty();
    !warnings.is_empty()
}

/// The ID in the import block that a warning gives.
fn id_to_import(warning: &Diagnostic) -> String {
    let (_, block) = warning.detail.split_once("import {").unwrap();
    let (_, id) = block.split_once("id = \"").unwrap();
    id.split_once('"').unwrap().0.to_owned()
}

fn a_job_whose_maker_was_killed_is_named_and_can_be_imported(world: &TestWorkspace) {
    world.configure(Block::running_job("it"));
    killed(world, APPLY, "Create", Victim::Both, Fate::Done);
    let made = world.cloud.job();
    assert!(applied_as_told(world));
    assert_eq!(world.cloud.job().job_id, made.job_id);
    assert_eq!(world.state(JOB)["job_id"], made.job_id);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn killed_while_a_job_is_created(world: &TestWorkspace) {
    killed_on_the_way_to_a_new_job(
        world,
        "Create",
        &[
            (Fate::Lost, false),
            (Fate::DoneLater, true),
            (Fate::Done, true),
        ],
    );
}

/// The job is there in any case, and no state knows of it.
fn killed_while_a_new_job_is_started(world: &TestWorkspace) {
    killed_on_the_way_to_a_new_job(world, "Start", &[(Fate::Lost, true), (Fate::Done, true)]);
}

/// With each fate: whether the user has to be told of a job that is there.
fn killed_on_the_way_to_a_new_job(world: &TestWorkspace, verb: &str, fates: &[(Fate, bool)]) {
    world.configure(Block::running_job("it"));
    for victim in VICTIMS {
        for &(fate, is_there) in fates {
            killed(world, APPLY, verb, victim, fate);
            let row = format!("{verb}, {victim:?}, {fate:?}");
            assert_eq!(world.cloud.jobs().len(), usize::from(is_there), "{row}");
            assert!(world.state(JOB).is_null(), "{row}");
            assert_eq!(applied_as_told(world), is_there, "{row}");
            assert!(world.cloud.is_running(), "{row}");
            world.destroy_all();
        }
    }
}

fn killed_while_a_job_is_stopped_for_an_update(world: &TestWorkspace) {
    killed_on_the_way_to_an_update(world, "Stop");
}

fn killed_while_a_job_is_updated(world: &TestWorkspace) {
    killed_on_the_way_to_an_update(world, "Update");
}

fn killed_while_a_job_is_started_after_an_update(world: &TestWorkspace) {
    killed_on_the_way_to_an_update(world, "Start");
}

fn killed_on_the_way_to_an_update(world: &TestWorkspace, verb: &str) {
    world.applied(Block::running_job("it"));
    let job_id = world.cloud.job().job_id;

    for victim in VICTIMS {
        for fate in [Fate::Lost, Fate::Done] {
            let name = format!("{victim:?}-{fate:?}");
            world.configure(Block::running_job("it").text("name", &name));
            killed(world, APPLY, verb, victim, fate);
            assert!(!applied_as_told(world), "{name}");
            let job = world.cloud.job();
            assert_eq!((job.job_id, job.name), (job_id.clone(), name));
            assert!(world.cloud.is_running());
        }
    }
    world.destroy_all();
}

fn killed_while_a_job_is_stopped_for_its_deletion(world: &TestWorkspace) {
    killed_on_the_way_to_a_deletion(world, "Stop");
}

fn killed_while_a_job_is_deleted(world: &TestWorkspace) {
    killed_on_the_way_to_a_deletion(world, "Delete");
}

fn killed_on_the_way_to_a_deletion(world: &TestWorkspace, verb: &str) {
    world.configure(Block::running_job("it"));
    for victim in VICTIMS {
        for fate in [Fate::Lost, Fate::Done] {
            world.apply().succeeded();
            killed(world, DESTROY, verb, victim, fate);
            assert!(
                !world.state(JOB).is_null(),
                "{verb}, {victim:?}, {fate:?}: nobody knows yet that the job is gone"
            );
            world.destroy().succeeded();
            assert!(world.cloud.jobs().is_empty() && world.state(JOB).is_null());
        }
    }
}

/// Starts a command, presses Ctrl-C while the call `verb` is held at `point`, and lets that call go on.
fn stopped(world: &TestWorkspace, command: &[&str], verb: &str, point: FaultStage) -> Run {
    let running = world.start_held(command, verb, point);
    running.press_ctrl_c();
    world.cloud.release();
    world.end_of(running).failed()
}

/// The run that was stopped has left a job that the state knows. The next ones need no help.
fn the_next_runs_converge(world: &TestWorkspace) {
    let state = world.state(JOB);
    assert_eq!(state["job_id"], world.cloud.job().job_id, "{state:#}");
    world.apply().succeeded();
    assert!(world.cloud.is_running());
    world.plan().is_empty();
    world.destroy_all();
}

fn a_job_that_was_just_being_made_at_ctrl_c_is_in_the_state(world: &TestWorkspace) {
    a_job_in_the_making_survives_ctrl_c(world, FaultStage::Before);
}

fn a_job_that_was_made_just_before_ctrl_c_is_in_the_state(world: &TestWorkspace) {
    a_job_in_the_making_survives_ctrl_c(world, FaultStage::After);
}

fn a_job_in_the_making_survives_ctrl_c(world: &TestWorkspace, point: FaultStage) {
    world.configure(Block::running_job("it"));
    let error = stopped(world, APPLY, "Create", point).error();
    error.must_say(&[
        "Job created but not in the planned state",
        "Interrupted while waiting for the job to appear",
        "is now Stopped",
        "untaint",
    ]);
    assert_eq!(
        world.cloud.changes(),
        ["Create"],
        "no change begins after Ctrl-C"
    );
    let (state, job) = (world.state(JOB), world.cloud.job());
    assert_eq!(
        (&state["status"], &state["template_name"]),
        (&"Stopped".into(), &job.template_name.into())
    );
    assert!(state["create_time"].is_string(), "{state:#}");
    the_next_runs_converge(world);
}

/// It is not to run, so nothing is missing but its description.
fn a_job_that_the_api_does_not_show_yet_at_ctrl_c_is_kept(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    let created = fault("Create", FaultKind::Pause).when(FaultStage::After);
    let unseen = fault("Get", FaultKind::error(404, "JobNotFound"));
    world.cloud.set_faults([created.times(1), unseen]);
    let running = world.start(APPLY);
    world.cloud.wait_paused();
    running.press_ctrl_c();
    world.cloud.release();
    let ended = world.end_of(running);
    assert_eq!(
        ended.warnings("Job created but not read").len(),
        1,
        "{ended}"
    );
    assert!(!world.is_tainted(JOB));
    // Nobody has seen it at any place, so that it is not found now does not take it out of the state.
    let error = world.plan_error();
    error.must_say(&[
        "Job not found at this endpoint or account",
        "stays in the state",
    ]);

    world.cloud.set_faults([]);
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create"]);
}

fn a_job_whose_response_does_not_come_after_ctrl_c_is_looked_for(world: &TestWorkspace) {
    world.configure(Block::running_job("it"));
    let running = world.start_held(APPLY, "Create", FaultStage::After);
    running.press_ctrl_c();
    // Nobody releases the call.
    let error = world.end_of(running).failed().error();
    error.must_say(&["Job created but not in the planned state", "is now Stopped"]);
    the_next_runs_converge(world);
}

/// Holds a create for longer than a process lives that ends by the signal.
fn a_job_in_the_making_survives(world: &TestWorkspace, signal: impl FnOnce(&Running)) {
    world.configure(Block::running_job("it"));
    let running = world.start_held(APPLY, "Create", FaultStage::After);
    signal(&running);
    // Nobody releases the call before the end.
    let error = world.end_of(running).failed().error();
    error.must_say(&["Job created but not in the planned state", "is now Stopped"]);
    world.cloud.release();
    world.cloud.set_faults([]);
    the_next_runs_converge(world);
    world.forget_state();
}

fn a_job_that_is_being_made_at_sigterm_is_in_the_state(world: &TestWorkspace) {
    a_job_in_the_making_survives(world, Running::terminate);
}

fn a_job_that_is_being_made_at_a_signal_for_the_provider_is_in_the_state(world: &TestWorkspace) {
    for name in ["TERM", "HUP"] {
        a_job_in_the_making_survives(world, |running| running.signal_provider(name));
    }
}

fn an_update_whose_terraform_is_killed_leaves_the_stream_running(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    for (verb, point) in [
        ("Stop", FaultStage::Before),
        ("Stop", FaultStage::After),
        ("Update", FaultStage::Before),
        ("Update", FaultStage::After),
        ("Start", FaultStage::Before),
    ] {
        let name = format!("until-{verb}-{point:?}");
        world.configure(Block::running_job("it").text("name", &name));
        let mut running = world.start_held(APPLY, verb, point);
        running.kill_terraform();
        world.cloud.release();
        let _ = world.end_of(running);
        assert!(world.cloud.is_running(), "{name}");

        let changes = world.cloud.changes();
        if verb == "Stop" {
            let begun_later = &changes[changes.len() - 2..];
            assert_eq!(
                begun_later,
                ["Stop", "Start"],
                "{name}: no change but the start"
            );
        }
        world.apply().succeeded();
        assert_eq!(world.cloud.job().name, name);
        assert!(world.cloud.is_running());
    }
}

/// Nobody would record the new job, and another run may create one by then.
fn a_create_that_is_owed_ends_when_its_terraform_is_killed(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.configure(Block::running_job("it").text("cluster_id", "cluster-2"));
    world.cloud.set_faults([
        fault("Create", FaultKind::Pause).times(1),
        fault("Create", FaultKind::throttling_user()).times(1),
    ]);
    let mut running = world.start(APPLY);
    world.cloud.wait_paused();
    running.kill_terraform();
    world.cloud.release();
    let _ = world.end_of(running);
    assert!(world.cloud.jobs().is_empty());
    world.apply().succeeded();
    assert!(world.cloud.is_running());
}

fn a_restart_whose_terraform_is_killed_leaves_the_stream_running(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let action = with_config("restart", config_of(&world.cloud.job().job_id));
    world.configure(format_args!("{}{action}", Block::running_job("it")));
    for point in [FaultStage::Before, FaultStage::After] {
        let mut running = world.start_held(&invoke("restart"), "Stop", point);
        running.kill_terraform();
        world.cloud.release();
        let _ = world.end_of(running);
        assert!(world.cloud.is_running(), "{point:?}");
    }
}

/// An error would taint them, and the next apply would replace them.
fn jobs_that_are_as_planned_are_finished_in_spite_of_ctrl_c(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    let created = stopped(world, APPLY, "Create", FaultStage::Before);
    world.configure(Block::running_job("it"));
    let started = stopped(world, APPLY, "Start", FaultStage::Before);
    for run in [created, started] {
        assert!(run.diagnostics(Severity::Error).is_empty(), "{run}");
    }
    assert!(!world.is_tainted(JOB));
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn ctrl_c_while_waiting_for_a_start_keeps_the_job(world: &TestWorkspace) {
    world.configure(Block::running_job("it"));
    // The first Get reads the new job, the second and third look whether it runs.
    let third_get = fault("Get", FaultKind::Pause).skip(2).times(1);
    world.cloud.set_faults([promise("Start"), third_get]);
    let running = world.start(APPLY);
    world.cloud.wait_paused();
    running.press_ctrl_c();
    // Nobody releases the call: a read ends at once.
    let error = world.end_of(running).failed().error();
    error.must_say(&[
        "Interrupted while waiting for the job to run",
        "is now Stopped",
    ]);
    world.cloud.release();
    assert_eq!(world.state(JOB)["status"], "Stopped");
    world.cloud.set_faults([]);
    the_next_runs_converge(world);
}

fn ctrl_c_in_an_update_leaves_the_job_running(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    for (verb, errors) in [("Stop", 1), ("Update", 0), ("Start", 0)] {
        let name = format!("until-{verb}");
        world.configure(Block::running_job("it").text("name", &name));
        let run = stopped(world, APPLY, verb, FaultStage::Before);
        let told = run.diagnostics(Severity::Error);
        assert_eq!(told.len(), errors, "{run}");
        for error in told {
            error.must_say(&[
                "Unable to update job",
                "Interrupted while waiting for the job to be stopped",
                "is now Running, with its old settings",
            ]);
        }
        let changes = world.cloud.changes();
        assert_eq!(changes.last().unwrap(), "Start", "the start is owed");
        assert!(world.cloud.is_running(), "{verb}");
        assert_eq!(world.state(JOB)["status"], "Running");
        world.apply().succeeded();
        assert_eq!(world.cloud.job().name, name);
        assert!(world.cloud.is_running());
        world.plan().is_empty();
    }
    the_next_runs_converge(world);
}

fn ctrl_c_between_stop_and_delete_leaves_the_job_running(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let error = stopped(world, DESTROY, "Stop", FaultStage::Before).error();
    error.must_say(&[
        "Unable to delete job",
        "Interrupted while waiting for the job to be stopped",
        "is now Running",
    ]);
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Stop", "Start"]);
    assert_eq!(world.state(JOB)["job_id"], world.cloud.job().job_id);
    world.destroy_all();
}

/// The stop arrives last: after Ctrl-C nobody waits for it, and the start that is owed is rejected, because the job still runs.
fn a_stop_that_is_carried_out_after_its_start_was_rejected_is_made_good(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.configure(Block::running_job("it").text("name", "another"));
    world
        .cloud
        .configure(|behavior| behavior.status_lag_gets = 1);
    let running = world.start_held(APPLY, "Stop", FaultStage::Before);
    running.press_ctrl_c();
    running.wait_logged(&[
        "the API responded",
        "StartEdgeTranscodeJob",
        "OperationDenied",
    ]);
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&[
        "Unable to update job",
        "is now Running, with its old settings",
    ]);
    assert!(world.cloud.is_running());
    the_next_runs_converge(world);
}

fn ctrl_c_while_a_job_is_read_ends_the_run_at_once(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let state = world.state_file();
    let running = world.start_held(PLAN, "Get", FaultStage::Before);
    running.press_ctrl_c();
    // Nobody releases the call.
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to read job", "interrupted"]);
    assert_eq!(world.state_file(), state);
    world.cloud.release();
    world.plan().is_empty();
}
