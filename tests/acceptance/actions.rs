//! Starting, stopping and restarting a job by an action.

use crate::JOB;
use crate::support::cloud::{fault, promise};
use crate::support::configuration::Block;
use crate::support::running::Running;
use crate::support::terraform::Run;
use crate::support::terraform::Severity;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{FaultKind, FaultStage, JobStatus};

over_each_terraform! {
    from "1.14":
    each_action_does_what_it_is_called_by_and_tells_of_it,
    an_action_without_need_calls_nothing_and_succeeds,
    an_action_runs_where_a_trigger_says_so,
    an_action_whose_job_is_not_known_yet_is_planned,
    a_wrong_value_is_rejected_at_its_line,
    a_wrong_value_that_is_known_only_after_apply_is_rejected,
    a_job_that_does_not_exist_is_named,
    a_rejected_start_of_a_job_that_runs_by_now_is_success,
    an_action_ends_in_its_time,
    a_restart_that_cannot_stop_the_job_leaves_it_running_and_says_so,
    a_restart_that_cannot_start_the_job_again_says_that_it_is_stopped,
    a_restart_whose_first_start_fails_starts_it_all_the_same,
    a_restart_whose_time_is_over_starts_it_all_the_same,
    ctrl_c_in_a_restart_leaves_the_job_running,
    a_job_that_a_call_does_not_find_and_a_read_does_is_not_said_not_to_exist,
    a_restart_whose_read_is_rejected_leaves_the_job_running,
    ctrl_c_ends_the_wait_for_a_start,
    the_actions_of_the_documentation_work,
}

/// The block `config` for the job of these cases.
pub(crate) fn config() -> Block {
    Block::new("config")
        .with("cluster_id", &format!("{JOB}.cluster_id"))
        .with("job_id", &format!("{JOB}.job_id"))
}

/// The same for a job by its ID.
pub(crate) fn config_of(job_id: &str) -> Block {
    Block::new("config")
        .text("cluster_id", "cluster-1")
        .text("job_id", job_id)
}

fn action(verb: &str) -> Block {
    with_config(verb, config())
}

pub(crate) fn with_config(verb: &str, config: Block) -> Block {
    let header = format!(r#"action "alicloud_live_edge_transcode_job_{verb}" "it""#);
    Block::new(&header).containing(config)
}

/// A job whose configuration leaves its run state alone.
fn configure(world: &TestWorkspace, action: &Block) {
    world.configure(format_args!("{}{action}", Block::job("it")));
}

/// The command that runs the action `it`.
pub(crate) fn invoke(verb: &str) -> [String; 4] {
    let action = format!("-invoke=action.alicloud_live_edge_transcode_job_{verb}.it");
    ["apply", "-json", "-auto-approve", &action].map(str::to_owned)
}

pub(crate) fn invoked(world: &TestWorkspace, verb: &str) -> Run {
    world.run(&invoke(verb))
}

/// The messages that an action gave.
fn told(run: &Run) -> Vec<String> {
    run.events()
        .filter(|event| event["type"] == "action_progress")
        .map(|event| event["hook"]["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Ctrl-C when Terraform has shown that message of the action. One that it receives later makes it give up the action,
/// and crash when it ends ("range function continued iteration", seen with 1.15.5).
fn press_ctrl_c_after(running: &Running, message: &str) {
    running.wait_printed(&["action_progress", message]);
    running.press_ctrl_c();
}

/// A job that exists and runs, or not.
fn a_job(world: &TestWorkspace, verb: &str, status: JobStatus) -> String {
    configure(world, &action(verb));
    world.apply().succeeded();
    world.cloud.edit(|job| job.status = status);
    format!("cluster-1:{}", world.cloud.job().job_id)
}

fn each_action_does_what_it_is_called_by_and_tells_of_it(world: &TestWorkspace) {
    let id = a_job(world, "start", JobStatus::NotStarted);
    let run = invoked(world, "start").succeeded();
    assert!(world.cloud.is_running());
    let starting = [
        format!("Starting job {id} ..."),
        format!("Job {id} is running."),
    ];
    assert_eq!(told(&run), starting);

    configure(world, &action("restart"));
    let run = invoked(world, "restart").succeeded();
    assert!(world.cloud.is_running());
    let stopping = [
        format!("Stopping job {id} ..."),
        format!("Job {id} is stopped."),
    ];
    assert_eq!(told(&run), [stopping.clone(), starting].concat());

    configure(world, &action("stop"));
    let run = invoked(world, "stop").succeeded();
    assert!(!world.cloud.is_running());
    assert_eq!(told(&run), stopping);
    assert_eq!(
        world.cloud.changes(),
        ["Create", "Start", "Stop", "Start", "Stop"]
    );
    world.plan().is_empty();
}

fn an_action_without_need_calls_nothing_and_succeeds(world: &TestWorkspace) {
    let id = a_job(world, "start", JobStatus::Running);
    let run = invoked(world, "start").succeeded();
    assert_eq!(told(&run), [format!("Job {id} is running already.")]);

    configure(world, &action("stop"));
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    let run = invoked(world, "stop").succeeded();
    assert_eq!(told(&run), [format!("Job {id} is stopped already.")]);

    configure(world, &action("restart"));
    invoked(world, "restart").succeeded();
    assert!(world.cloud.is_running());
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

/// The block `lifecycle` by which these events trigger an action.
fn trigger(events: &str, verb: &str) -> Block {
    let action = format!("[action.alicloud_live_edge_transcode_job_{verb}.it]");
    let trigger = Block::new("action_trigger")
        .with("events", events)
        .with("actions", &action);
    Block::new("lifecycle").containing(trigger)
}

/// A job, and a piece of data whose creation and change trigger an action on it.
fn configure_trigger(world: &TestWorkspace, verb: &str, input: &str) {
    let data = Block::new(r#"resource "terraform_data" "it""#)
        .text("input", input)
        .containing(trigger("[after_create, after_update]", verb));
    let (job, action) = (Block::job("it"), action(verb));
    world.configure(format_args!("{job}{action}{data}"));
}

fn an_action_runs_where_a_trigger_says_so(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    configure_trigger(world, "restart", "1");
    world.apply().succeeded();
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Stop", "Start"]);
    world.plan().is_empty();
    configure_trigger(world, "restart", "2");
    world.apply().succeeded();
    assert_eq!(world.cloud.changes().len(), 6);
    assert!(world.cloud.is_running());
}

fn an_action_whose_job_is_not_known_yet_is_planned(world: &TestWorkspace) {
    let known_later = "terraform_data.known_after_apply.output";
    let config = config()
        .with("cluster_id", known_later)
        .with("timeout", known_later);
    let data = Block::known_after_apply("known_after_apply", "cluster-1");
    let job = Block::job("it").containing(trigger("[after_create]", "start"));
    let action = with_config("start", config.clone());
    world.configure(format_args!("{data}{job}{action}"));
    assert!(world.plan().diagnostics(Severity::Error).is_empty());
    assert!(world.cloud.changes().is_empty());

    let action = with_config("start", config.without("timeout"));
    world.applied(format_args!("{data}{job}{action}"));
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn a_wrong_value_is_rejected_at_its_line(world: &TestWorkspace) {
    let good = config_of("j");
    for (attribute, value, says) in [
        ("cluster_id", "a:b", "colon"),
        ("cluster_id", "", "empty"),
        ("job_id", "a b", "whitespace"),
        ("timeout", "soon", "30s"),
    ] {
        let config = good.clone().text(attribute, value);
        world.configure(with_config("restart", config));
        let error = world.validate().failed().error();
        error.must_say(&[says]);
        assert_eq!(world.pointed_at(&error), attribute);
    }
    world.configure(with_config("restart", good.without("job_id")));
    world.validate().failed().error().must_say(&["job_id"]);
    assert!(world.cloud.calls().is_empty());
}

fn a_wrong_value_that_is_known_only_after_apply_is_rejected(world: &TestWorkspace) {
    let later = Block::known_after_apply("later", "soon");
    let config = config().with("timeout", "terraform_data.later.output");
    let data = Block::new(r#"resource "terraform_data" "it""#)
        .with("input", &format!("{JOB}.id"))
        .containing(trigger("[after_create]", "start"));
    let (job, action) = (Block::job("it"), with_config("start", config));
    world.configure(format_args!("{later}{job}{action}{data}"));
    let error = world.apply_error();
    error.must_say(&["Invalid duration", "30s"]);
    assert_eq!(world.cloud.changes(), ["Create"]);
}

fn a_job_that_does_not_exist_is_named(world: &TestWorkspace) {
    let config = config_of("nowhere");
    for verb in ["start", "stop", "restart"] {
        world.configure(with_config(verb, config.clone()));
        let error = invoked(world, verb).failed().error();
        // Terraform does not show the place that is named while an action runs, so the words must do.
        error.must_say(&["cluster-1:nowhere", "JobNotFound", "RequestId"]);
    }
    assert_eq!(world.cloud.changes(), [""; 0]);
}

fn a_rejected_start_of_a_job_that_runs_by_now_is_success(world: &TestWorkspace) {
    a_job(world, "start", JobStatus::NotStarted);
    let running = world.start_held(&invoke("start"), "Start", FaultStage::Before);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.cloud.release();
    world.end_of(running).succeeded();
}

fn an_action_ends_in_its_time(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let config = config_of(&world.cloud.job().job_id).text("timeout", "2s");
    configure(world, &with_config("start", config));
    world.cloud.set_faults([promise("Start")]);
    let error = invoked(world, "start").failed().error();
    error.must_say(&[
        "Unable to start job",
        "Timed out waiting for the job to run",
        "argument timeout",
        "is now Stopped",
    ]);
}

fn a_restart_that_cannot_stop_the_job_leaves_it_running_and_says_so(world: &TestWorkspace) {
    a_job(world, "restart", JobStatus::Running);
    world.cloud.deny("Stop");
    let error = invoked(world, "restart").failed().error();
    error.must_say(&[
        "Unable to restart job",
        "StopEdgeTranscodeJob failed with OperationDenied",
        "is now Running",
    ]);
    assert!(world.cloud.is_running());
}

fn a_job_that_a_call_does_not_find_and_a_read_does_is_not_said_not_to_exist(world: &TestWorkspace) {
    for verb in ["restart", "stop"] {
        a_job(world, verb, JobStatus::Running);
        let not_found = FaultKind::error(404, "JobNotFound");
        world.cloud.set_faults([fault("Stop", not_found).times(1)]);
        let error = invoked(world, verb).failed().error();
        error.must_say(&["JobNotFound", "is now Running"]);
    }
}

fn a_restart_that_cannot_start_the_job_again_says_that_it_is_stopped(world: &TestWorkspace) {
    a_job(world, "restart", JobStatus::Running);
    world.cloud.allow_running_jobs(0);
    let error = invoked(world, "restart").failed().error();
    error.must_say(&[
        "Unable to restart job",
        "StartEdgeTranscodeJob failed with User",
        "is now Stopped",
        "It was running before",
    ]);
    assert!(!world.cloud.is_running());
}

fn a_restart_whose_first_start_fails_starts_it_all_the_same(world: &TestWorkspace) {
    a_job(world, "restart", JobStatus::Running);
    let denied = FaultKind::error(403, "OperationDenied");
    world.cloud.set_faults([fault("Start", denied).times(1)]);
    let run = invoked(world, "restart").succeeded();
    assert!(told(&run).last().unwrap().ends_with("is running."));
    assert!(world.cloud.is_running());
}

fn a_restart_whose_time_is_over_starts_it_all_the_same(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let config = config_of(&world.cloud.job().job_id).text("timeout", "2s");
    configure(world, &with_config("restart", config));
    world.cloud.set_faults([promise("Start").times(1)]);
    invoked(world, "restart").succeeded();
    assert!(world.cloud.is_running());
}

/// The read after the stop, which was accepted: what was stopped is started again.
fn a_restart_whose_read_is_rejected_leaves_the_job_running(world: &TestWorkspace) {
    a_job(world, "restart", JobStatus::Running);
    let rejected = FaultKind::error(403, "Forbidden.RAM");
    world
        .cloud
        .set_faults([fault("Get", rejected).skip(2).times(1)]);
    let error = invoked(world, "restart").failed().error();
    error.must_say(&["Forbidden.RAM", "is now Running"]);
    assert!(world.cloud.is_running());
    assert_eq!(world.cloud.changes(), ["Create", "Stop", "Start"]);
}

fn ctrl_c_in_a_restart_leaves_the_job_running(world: &TestWorkspace) {
    a_job(world, "restart", JobStatus::Running);
    let running = world.start_held(&invoke("restart"), "Stop", FaultStage::After);
    press_ctrl_c_after(&running, "Stopping job");
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Interrupted while waiting", "is now Running"]);
    assert!(world.cloud.is_running(), "the start is owed");
    assert_eq!(world.cloud.changes(), ["Create", "Stop", "Start"]);
}

fn ctrl_c_ends_the_wait_for_a_start(world: &TestWorkspace) {
    a_job(world, "start", JobStatus::NotStarted);
    // The first two reads are those of the refresh and of the action's first look.
    world.cloud.set_faults([
        promise("Start"),
        fault("Get", FaultKind::Pause).skip(2).times(1),
    ]);
    let running = world.start(&invoke("start"));
    world.cloud.wait_paused();
    press_ctrl_c_after(&running, "Starting job");
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to start job", "is now Stopped"]);
}

fn the_actions_of_the_documentation_work(world: &TestWorkspace) {
    let camera = "alicloud_live_edge_transcode_job.camera";
    world.configure_as_in("examples/provider");
    world.cloud.configure(|config| {
        config.online_inputs = vec!["rtmp://pull.example.com/live/camera-1".to_owned()];
    });
    for (folder, runs_in_the_end) in [
        (
            "examples/actions/alicloud_live_edge_transcode_job_start",
            true,
        ),
        (
            "examples/actions/alicloud_live_edge_transcode_job_stop",
            false,
        ),
        (
            "examples/actions/alicloud_live_edge_transcode_job_restart",
            true,
        ),
    ] {
        let (_, action) = folder.rsplit_once('/').unwrap();
        world.configure_as_in(folder);
        world.apply().succeeded();
        let invoke = format!("-invoke=action.{action}.camera");
        world
            .run(&["apply", "-json", "-auto-approve", &invoke])
            .succeeded();
        assert_eq!(world.cloud.is_running(), runs_in_the_end, "{action}");
        world.plan().is_empty();
    }
    assert_eq!(world.job_ids(camera).len(), 1);
    let encoder = world.file("action.tf").replace("2 Mbit/s", "3 Mbit/s");
    let changes = world.cloud.changes().len();
    world.put("action.tf", &encoder);
    world.apply().succeeded();
    assert_eq!(world.cloud.changes()[changes..], ["Stop", "Start"]);
}
