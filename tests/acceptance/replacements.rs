//! A job in the place of another: renamed blocks, other keys, replacements. What counts is the output stream.

use crate::JOB;
use crate::existing_jobs::named;
use crate::support::cloud::fault;
use crate::support::configuration::{Block, auth_key};
use crate::support::running::Running;
use crate::support::terraform::{Diagnostic, Run, Severity};
use crate::support::workspace::{APPLY, TestWorkspace};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Job, JobStatus, SecondWriter};

over_each_terraform! {
    a_block_renamed_without_moved_keeps_a_stream_that_is_to_run,
    a_renamed_block_is_named_at_plan_with_the_moved_block_that_keeps_the_job,
    a_running_job_is_replaced_by_a_running_one,
    a_tainted_running_job_is_replaced_by_a_running_one,
    another_cluster_is_warned_of_and_the_new_job_runs,
    a_job_that_is_new_beside_a_replaced_one_stays_stopped,
    a_running_job_is_replaced_by_a_running_one_with_ignored_settings,
    a_running_job_that_is_replaced_with_another_stream_is_replaced_by_a_running_one,
    a_protected_job_is_neither_deleted_nor_replaced,
}

over_newest_terraform! {
    other_keys_keep_a_stream_that_is_to_run,
    a_renamed_block_takes_over_although_one_on_standby_is_new_too,
    a_renamed_block_that_is_imported_is_told_of,
    a_running_job_whose_successor_cannot_be_created_is_told_of,
    a_running_job_whose_successor_cannot_be_started_is_told_of,
    a_running_job_whose_successor_turns_out_to_be_invalid_is_told_of,
    a_running_job_is_deleted_before_what_it_depends_on_is_changed,
    a_replacement_that_creates_first_keeps_a_stream_that_is_to_run,
    after_a_successor_that_does_not_start_no_running_job_is_interrupted,
    the_quota_of_the_replaced_job_is_waited_for,
    a_running_job_is_deleted_only_for_one_whose_template_exists,
    a_tainted_running_job_is_deleted_only_for_one_whose_template_exists,
    a_tainted_running_job_that_must_not_be_stopped_is_not_replaced,
    after_a_running_job_without_successor_no_other_is_interrupted_or_replaced,
    jobs_that_are_replaced_are_all_deleted_before_the_first_new_one_is_created,
    the_successor_of_a_running_job_is_started_through_an_outage,
    the_successor_of_a_running_job_is_started_after_ctrl_c,
    the_successor_of_a_running_job_is_created_through_throttling,
    the_successor_of_a_running_job_is_created_after_rejections_that_pass,
    the_successor_of_a_running_job_is_created_in_spite_of_ctrl_c,
    a_replacement_that_creates_first_deletes_a_job_that_it_has_stopped_and_that_is_shown_as_running,
    a_renamed_job_is_started_when_the_old_one_no_longer_writes_its_output,
    a_renamed_job_is_created_when_the_old_one_no_longer_has_its_name,
    a_protected_job_that_creates_first_is_not_left_behind,
    a_protected_job_that_a_replacement_left_is_forgotten_when_it_is_deleted,
    a_replacement_in_a_cluster_without_access_is_warned_of,
    a_lost_job_of_a_replacement_is_named_by_the_next_plan,
    a_job_that_cannot_be_deleted_beside_its_running_successor_stays_stopped,
    a_job_that_cannot_be_deleted_in_an_outage_stays_stopped_beside_its_running_successor,
    a_job_that_cannot_be_deleted_stays_stopped_beside_one_that_was_created_meanwhile,
    ctrl_c_before_the_successor_of_a_running_job_is_created_is_told_of,
}

// Core says from 1.9 on that it plans once more before it applies. OpenTofu does not.
over_terraform! {
    from "1.12":
    a_replacement_that_creates_first_is_not_rejected_when_its_place_is_taken,
}

const OLD: &str = JOB;
const NEW: &str = "alicloud_live_edge_transcode_job.new";

/// There is one job, it runs, and nothing is left to do.
#[track_caller]
fn one_job_runs(world: &TestWorkspace) {
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn a_block_renamed_without_moved_keeps_a_stream_that_is_to_run(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.applied(Block::running_job("it").labelled("new"));
    assert!(world.state(OLD).is_null());
    assert_eq!(world.state(NEW)["job_id"], world.cloud.job().job_id);
    one_job_runs(world);
}

fn a_renamed_block_is_named_at_plan_with_the_moved_block_that_keeps_the_job(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let job_id = world.cloud.job().job_id;

    world.configure(Block::job("it").labelled("new"));
    let plan = world.plan();
    let warnings = named(&plan);
    assert_eq!(warnings.len(), 1, "{plan}");
    warnings[0].must_say(&[&job_id, "moved {", "stays stopped", "status is not set"]);
    let deletion = plan.warnings("A running job will be deleted");
    let is_told = deletion.iter().any(|warning| warning.says(&job_id));
    // These releases show no warning of a deletion because the block is gone.
    let is_dropped = ["1.9.", "1.10.", "1.11."]
        .iter()
        .any(|release| plan.output.contains(&format!("\"terraform\":\"{release}")));
    assert_eq!(is_told, !is_dropped, "{plan}");

    let moved = Block::new("moved").with("from", OLD).with("to", NEW);
    world.configure(format_args!("{}{moved}", Block::job("it").labelled("new")));
    let begun = world.cloud.changes().len();
    world.apply().succeeded();
    assert_eq!(world.cloud.changes().len(), begun);
    assert_eq!(world.state(NEW)["job_id"], job_id);
    one_job_runs(world);
}

fn other_keys_keep_a_stream_that_is_to_run(world: &TestWorkspace) {
    let keyed = |keys: &str| Block::running_job("it").with("for_each", &format!("toset({keys})"));
    world.applied(keyed("[\"a\"]"));
    world.applied(keyed("[\"b\"]"));
    one_job_runs(world);
    world.applied(Block::running_job("it").with("count", "1"));
    one_job_runs(world);
}

const REPLACE: [&str; 4] = [
    "apply",
    "-json",
    "-auto-approve",
    "-replace=alicloud_live_edge_transcode_job.it",
];

fn replace(world: &TestWorkspace) -> Run {
    world.run(&REPLACE)
}

fn a_running_job_is_replaced_by_a_running_one(world: &TestWorkspace) {
    for (job, is_configured) in [(Block::running_job("it"), true), (Block::job("it"), false)] {
        world.applied(job);
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let before = world.cloud.job().job_id;
        replace(world).succeeded();
        assert_ne!(world.cloud.job().job_id, before);
        one_job_runs(world);
        assert_eq!(world.state(JOB)["status"], "Running");
        // A stopped one is replaced by a stopped one.
        if !is_configured {
            world.cloud.edit(|job| job.status = JobStatus::NotStarted);
            replace(world).succeeded();
            assert!(!world.cloud.is_running());
        }
    }
}

fn a_tainted_running_job_is_replaced_by_a_running_one(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.run(&["taint", JOB]).succeeded();
    let plan = world.plan();
    assert_eq!(named(&plan).len(), 1, "{plan}");
    world.apply().succeeded();
    one_job_runs(world);
}

fn another_cluster_is_warned_of_and_the_new_job_runs(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.configure(Block::job("it").text("cluster_id", "cluster-2"));
    let plan = world.plan();
    plan.warning().must_say(&[
        "A running job will be replaced",
        "the new job will be started because the old one was running",
    ]);
    world.apply().succeeded();
    one_job_runs(world);
    assert_eq!(world.state(JOB)["cluster_id"], "cluster-2");
}

fn a_job_that_is_new_beside_a_replaced_one_stays_stopped(world: &TestWorkspace) {
    for job in [Block::job("it"), Block::running_job("it")] {
        world.applied(&job);
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let moved = job.text("cluster_id", "cluster-2");
        let standby = Block::job("new").with("stream_output", &format!("{OLD}.stream_output"));
        world.configure(format_args!("{moved}{standby}"));
        world.apply().succeeded();
        assert_eq!(world.state(OLD)["status"], "Running");
        assert_eq!(world.state(NEW)["status"], "Stopped");
        world.destroy_all();
    }
}

/// Core does not say which of the new jobs takes the place of the old one.
fn a_renamed_block_takes_over_although_one_on_standby_is_new_too(world: &TestWorkspace) {
    let standby = Block::job("standby")
        .text("cluster_id", "cluster-2")
        .text("stream_output", "rtmp://push.example.com/live/it");
    let live = Block::running_job("it").labelled("new");
    let live = live.with("depends_on", "[alicloud_live_edge_transcode_job.standby]");
    for is_rejected in [true, false] {
        world.applied(Block::running_job("it"));
        world.configure(format_args!("{live}{standby}"));
        world.cloud.hold("Stop", FaultStage::Arrival);
        let running = world.start(APPLY);
        running.wait_printed(&["apply_complete", NEW]);
        world.cloud.wait_paused();
        if is_rejected {
            world.cloud.deny("Delete");
        }
        world.cloud.release();
        let run = world.end_of(running);
        if is_rejected {
            run.failed()
                .error()
                .must_say(&["Unable to delete job", "is now Stopped"]);
        } else {
            let applied = run.succeeded();
            assert!(
                applied.warnings("The output stream has ended").is_empty(),
                "{applied}"
            );
        }
        let live_id = world.state(NEW)["job_id"].as_str().unwrap().to_owned();
        assert_eq!(running_jobs(world), [live_id]);
        world.cloud.set_faults([]);
        world.destroy_all();
    }
}

fn a_renamed_block_that_is_imported_is_told_of(world: &TestWorkspace) {
    let two_addresses = "A job has two addresses";
    world.applied(Block::running_job("it"));
    let id = world.state(JOB)["id"].as_str().unwrap().to_owned();
    let import = Block::new("import").with("to", NEW).text("id", &id);
    world.configure(format_args!(
        "{}{import}",
        Block::running_job("it").labelled("new")
    ));
    let planned = world.plan();
    let told = planned.warnings(two_addresses);
    assert_eq!(told.len(), 1, "{planned}");
    told[0].must_say(&[&id, "moved block", "removed block"]);

    let moved = Block::new("moved").with("from", JOB).with("to", NEW);
    world.configure(format_args!(
        "{}{moved}",
        Block::running_job("it").labelled("new")
    ));
    let applied = world.apply().succeeded();
    assert!(applied.warnings(two_addresses).is_empty(), "{applied}");
    one_job_runs(world);
}

/// The plan of the new job does not ignore what the plan of the change does.
fn a_running_job_is_replaced_by_a_running_one_with_ignored_settings(world: &TestWorkspace) {
    let ignore = Block::new("lifecycle").with("ignore_changes", "[name, stream_output]");
    let job = Block::job("it").containing(ignore);
    world.applied(&job);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let other = "rtmp://push.example.com/live/other";
    let moved = job.text("name", "other").text("stream_output", other);
    world.configure(moved.text("cluster_id", "cluster-2"));
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "other");
    one_job_runs(world);
}

fn a_running_job_that_is_replaced_with_another_stream_is_replaced_by_a_running_one(
    world: &TestWorkspace,
) {
    let output = |stream: &str, key: u64| {
        let url = format!(
            "rtmp://push.example.com/live/{stream}?auth_key={}",
            auth_key(key)
        );
        Block::job("it").text("stream_output", &url)
    };
    world.applied(output("a", 4_102_444_800));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    // Another key of the same stream, another stream, and one that is known only when it is applied.
    for job in [
        output("a", 4_102_444_801),
        output("b", 4_102_444_801),
        output("b", 4_102_444_801).with(
            "stream_output",
            "\"rtmp://push.example.com/live/${terraform_data.stream.output}\"",
        ),
    ] {
        let stream = Block::known_after_apply("stream", "c");
        world.configure(format_args!("{job}{stream}"));
        let before = world.cloud.job().job_id;
        replace(world).succeeded();
        assert_ne!(world.cloud.job().job_id, before);
        one_job_runs(world);
    }
}

/// The warning of a running job without a status whose replacement fails at this call.
fn warning_of_no_successor(world: &TestWorkspace, denied: &str) -> Diagnostic {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.configure(Block::job("it").text("cluster_id", "cluster-2"));
    world.cloud.deny(denied);
    let run = world.apply().failed();
    let is_down = run.error().says("is down until the new job runs");
    assert_eq!(is_down, denied == "Create", "{run}");
    let mut warnings = run.warnings("A running job has no successor");
    assert_eq!(warnings.len(), 1, "{run}");
    warnings.remove(0)
}

fn a_running_job_whose_successor_cannot_be_created_is_told_of(world: &TestWorkspace) {
    let warning = warning_of_no_successor(world, "Create");
    warning.must_say(&["job-it", "status = \"Running\""]);
}

fn a_running_job_whose_successor_cannot_be_started_is_told_of(world: &TestWorkspace) {
    let warning = warning_of_no_successor(world, "Start");
    warning.must_say(&["job-it", "status = \"Running\"", "terraform untaint"]);

    world.cloud.set_faults([]);
    world.run(&["untaint", JOB]).succeeded();
    let plan = world.plan();
    plan.warning()
        .must_say(&["A stopped job will be started again"]);
    world.apply().succeeded();
    one_job_runs(world);
}

fn a_running_job_whose_successor_turns_out_to_be_invalid_is_told_of(world: &TestWorkspace) {
    let job = Block::job("it");
    let name = Block::known_after_apply("name", "job-it");
    world.applied(format_args!("{job}{name}"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let job = job.text("cluster_id", "cluster-2");
    let job = job.with("name", "terraform_data.name.output");
    let name = Block::known_after_apply("name", "no name");
    world.configure(format_args!("{job}{name}"));
    let run = world.apply().failed();
    run.error().must_say(&["Invalid job name", "' '"]);
    let [warning] = &run.warnings("A running job has no successor")[..] else {
        panic!("a warning was expected: {run}");
    };
    warning.must_say(&["status = \"Running\""]);
}

/// Core's order, which the provider can but tell of.
fn a_running_job_is_deleted_before_what_it_depends_on_is_changed(world: &TestWorkspace) {
    let first = Block::job("first");
    let job = Block::job("it").with("depends_on", "[alicloud_live_edge_transcode_job.first]");
    world.applied(format_args!("{first}{job}"));
    let id = world.state(JOB)["job_id"].as_str().unwrap().to_owned();
    let running = |job: &mut Job| job.status = JobStatus::Running;
    world.cloud.edit_job(&id, running);
    let (first, job) = (
        first.text("name", "renamed"),
        job.text("cluster_id", "cluster-2"),
    );
    world.configure(format_args!("{first}{job}"));
    let plan = world.plan();
    let [warning] = &plan.warnings("A running job will be replaced")[..] else {
        panic!("{plan}");
    };
    warning.must_say(&["Only this apply knows that", "status = \"Running\""]);
    world.cloud.deny("Update");
    world.apply().failed();
    assert_eq!(
        world.cloud.job().name,
        "job-first",
        "the only one that is left"
    );
}

fn a_replacement_that_creates_first_keeps_a_stream_that_is_to_run(world: &TestWorkspace) {
    let create_first = Block::new("lifecycle").with("create_before_destroy", "true");
    world.applied(Block::running_job("it").containing(create_first));
    let before = world.cloud.job().job_id;
    replace(world).succeeded();
    assert_ne!(world.cloud.job().job_id, before);
    one_job_runs(world);
}

fn create_first(job: Block) -> Block {
    job.containing(Block::new("lifecycle").with("create_before_destroy", "true"))
}

fn a_replacement_in_a_cluster_without_access_is_warned_of(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.configure(Block::running_job("it").text("cluster_id", "elsewhere"));
    let plan = world.plan();
    let [warning] = &plan.warnings("Cluster is not accessible")[..] else {
        panic!("{plan}");
    };
    warning.must_say(&["job-it"]);
}

fn a_lost_job_of_a_replacement_is_named_by_the_next_plan(world: &TestWorkspace) {
    let timeouts = Block::new("timeouts").text("create", "3s");
    let job = create_first(Block::running_job("it").containing(timeouts));
    world.applied(&job);
    let old = world.cloud.job().job_id;
    world.configure(job.text("cluster_id", "cluster-2"));
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    world.cloud.set_faults([
        fault("Create", FaultKind::Drop)
            .when(FaultStage::After)
            .times(1),
        fault("List", FaultKind::service_unavailable()),
    ]);
    world.run(&["apply", "-json", "saved"]).failed();
    world.cloud.set_faults([]);
    let lost: Vec<_> = world.cloud.job_ids().into_iter().collect();
    let lost = lost.iter().find(|id| **id != old).unwrap();
    let plan = world.plan();
    let [warning] = &named(&plan)[..] else {
        panic!("{plan}");
    };
    warning.must_say(&[lost, "import {"]);
}

/// Core restores the old job after a create that failed, but not after a plan that did.
fn a_replacement_that_creates_first_is_not_rejected_when_its_place_is_taken(world: &TestWorkspace) {
    let job = create_first(Block::running_job("it"));
    world.applied(&job);
    let before = world.cloud.job();
    world.configure(job.text("cluster_id", "cluster-2"));
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    let gone = FaultKind::error(404, "TemplateNotFound");
    world.cloud.set_faults([
        Fault::new("GetEdgeTranscodeTemplate", gone.clone()),
        fault("Create", gone),
    ]);
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&["Unable to create job", "TemplateNotFound"]);
    world.cloud.set_faults([]);
    assert_eq!(world.cloud.job().job_id, before.job_id);
    assert!(world.cloud.is_running());
    assert_eq!(
        world.state(JOB)["job_id"],
        before.job_id,
        "it is not deposed"
    );
}

fn a_job_that_cannot_be_deleted_beside_its_running_successor_stays_stopped(world: &TestWorkspace) {
    world.applied(create_first(Block::running_job("it")));
    let old = world.cloud.job().job_id;
    world.cloud.deny("Delete");
    let error = replace(world).failed().error();
    error.must_say(&["Unable to delete job", &old, "is now Stopped"]);
    assert_eq!(
        running_jobs(world),
        [world.state(JOB)["job_id"].as_str().unwrap()]
    );
    world.cloud.set_faults([]);
    world.apply().succeeded();
    one_job_runs(world);
}

/// The IDs of the jobs that run.
fn running_jobs(world: &TestWorkspace) -> Vec<String> {
    let running = |job: &Job| job.status == JobStatus::Running;
    let jobs = world.cloud.jobs().into_iter();
    jobs.filter(running).map(|job| job.job_id).collect()
}

/// Whether the new job runs cannot be read, but was seen before.
fn a_job_that_cannot_be_deleted_in_an_outage_stays_stopped_beside_its_running_successor(
    world: &TestWorkspace,
) {
    world.applied(create_first(Block::running_job("it")));
    let running = world.start_held(&REPLACE, "Stop", FaultStage::After);
    let starts = world.cloud.calls_of("Start").len();
    world
        .cloud
        .set_faults(["Get", "Delete"].map(|verb| fault(verb, FaultKind::service_unavailable())));
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to delete job"]);
    assert_eq!(world.cloud.calls_of("Start").len(), starts);
    world.cloud.set_faults([]);
    assert_eq!(
        running_jobs(world),
        [world.state(JOB)["job_id"].as_str().unwrap()]
    );
    world.apply().succeeded();
    one_job_runs(world);
}

/// Of a block that was renamed without `moved`, the new job is created while the old one is being deleted.
fn a_job_that_cannot_be_deleted_stays_stopped_beside_one_that_was_created_meanwhile(
    world: &TestWorkspace,
) {
    world.cloud.allow_running_jobs(1);
    world.applied(Block::running_job("it"));
    world.configure(Block::running_job("it").labelled("new"));
    let held = |verb: &str, stage: FaultStage| fault(verb, FaultKind::Pause).when(stage).times(1);
    world.cloud.set_faults([
        held("Create", FaultStage::Before),
        held("Stop", FaultStage::After),
    ]);
    let running = world.start(APPLY);
    world.cloud.wait_paused_calls(2);
    world.cloud.set_faults([
        held("Delete", FaultStage::Arrival),
        fault("Delete", FaultKind::error(403, "OperationDenied")),
    ]);
    world.cloud.release();
    running.wait_printed(&["apply_complete", NEW]);
    world.cloud.wait_paused();
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to delete job", "is now Stopped"]);
    assert!(!error.says("could not be started again"), "{error:?}");
    assert_eq!(
        running_jobs(world),
        [world.state(NEW)["job_id"].as_str().unwrap()]
    );
    world.cloud.set_faults([]);
    world.apply().succeeded();
    one_job_runs(world);
}

fn ctrl_c_before_the_successor_of_a_running_job_is_created_is_told_of(world: &TestWorkspace) {
    let [warning] = &ctrl_c_in_a_replacement(world, Block::job("it"))[..] else {
        panic!("a warning was expected");
    };
    warning.must_say(&["job-it", "status = \"Running\""]);
    // The next run knows.
    assert!(ctrl_c_in_a_replacement(world, Block::running_job("it")).is_empty());
    world.apply().succeeded();
    one_job_runs(world);
}

fn ctrl_c_in_a_replacement(world: &TestWorkspace, job: Block) -> Vec<Diagnostic> {
    world.applied(&job);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.configure(job.text("cluster_id", "cluster-2"));
    let running = world.start_held(APPLY, "Delete", FaultStage::Before);
    running.press_ctrl_c();
    world.cloud.release();
    let run = world.end_of(running).failed();
    assert!(world.cloud.jobs().is_empty());
    run.warnings("A running job has no successor")
}

fn after_a_successor_that_does_not_start_no_running_job_is_interrupted(world: &TestWorkspace) {
    let timeouts = Block::new("timeouts").text("create", "1s");
    let replaced = Block::running_job("it").containing(timeouts);
    let changed = Block::running_job("other");
    world.applied(format_args!("{replaced}{changed}"));
    let other = &world.state("alicloud_live_edge_transcode_job.other")["job_id"];
    let other = other.as_str().unwrap();
    let replaced = replaced.text("cluster_id", "cluster-2");
    let changed = changed.text("name", "renamed");
    world.configure(format_args!("{replaced}{changed}"));
    // The update waits longer for its first read than the other start is tried.
    world.set("CLIENT_READ_TIMEOUT", "120000");
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    let read = Fault {
        job_id: Some(other.to_owned()),
        ..fault("Get", FaultKind::Pause).times(1)
    };
    let denied = fault("Start", FaultKind::error(403, "OperationDenied"));
    world.cloud.set_faults([read, denied]);
    let running = world.start(&["apply", "-json", "saved"]);
    running.wait_printed(&["apply_errored", JOB]);
    world.cloud.release();
    let errors = world.end_of(running).failed().diagnostics(Severity::Error);
    let is_braked = |error: &&Diagnostic| error.says("was not stopped and keeps its settings");
    assert_eq!(errors.iter().filter(is_braked).count(), 1, "{errors:#?}");
    let jobs = world.cloud.jobs();
    let job = jobs.iter().find(|job| job.job_id == other).unwrap();
    assert_eq!((job.status, &*job.name), (JobStatus::Running, "job-other"));
}

fn after_a_running_job_without_successor_no_other_is_interrupted_or_replaced(
    world: &TestWorkspace,
) {
    let [replaced, changed, moved] = ["it", "changed", "moved"].map(Block::running_job);
    world.applied(format_args!("{replaced}{changed}{moved}"));
    let others = ["changed", "moved"].map(|label| {
        let state = world.state(&format!("alicloud_live_edge_transcode_job.{label}"));
        state["job_id"].as_str().unwrap().to_owned()
    });
    world.configure(format_args!(
        "{}{}{}",
        replaced.text("cluster_id", "cluster-2"),
        changed.text("name", "renamed"),
        moved.text("cluster_id", "cluster-2")
    ));
    // The others are read when the create has failed.
    world.set("CLIENT_READ_TIMEOUT", "120000");
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    let reads = others.clone().map(|job_id| Fault {
        job_id: Some(job_id),
        ..fault("Get", FaultKind::Pause).times(1)
    });
    let rejected = fault("Create", FaultKind::error(400, "InvalidParameter"));
    let [first, second] = reads;
    world.cloud.set_faults([first, second, rejected]);
    let running = world.start(&["apply", "-json", "saved"]);
    running.wait_printed(&["apply_errored", JOB]);
    world.cloud.release();
    let errors = world.end_of(running).failed().diagnostics(Severity::Error);
    let is_braked = |error: &&Diagnostic| error.says("was not stopped and keeps its settings");
    assert_eq!(errors.iter().filter(is_braked).count(), 2, "{errors:#?}");
    let jobs = world.cloud.jobs();
    let left: Vec<_> = jobs
        .iter()
        .filter(|job| others.contains(&job.job_id))
        .collect();
    assert_eq!(left.len(), 2);
    for job in left {
        assert_eq!(job.status, JobStatus::Running, "{job:?}");
        assert!(
            ["job-changed", "job-moved"].contains(&&*job.name),
            "{job:?}"
        );
    }
}

/// The guides say so: no limit of ours could keep the streams of the others, for the deletions would wait in the way of the creates.
fn jobs_that_are_replaced_are_all_deleted_before_the_first_new_one_is_created(
    world: &TestWorkspace,
) {
    let jobs = ["a", "b", "c"].map(Block::running_job);
    let [a, b, c] = &jobs;
    world.applied(format_args!("{a}{b}{c}"));
    let begun = world.cloud.changes().len();
    let [a, b, c] = jobs.map(|job| job.text("cluster_id", "cluster-2"));
    world.configure(format_args!("{a}{b}{c}"));
    world
        .run(&["apply", "-json", "-auto-approve", "-parallelism=1"])
        .succeeded();
    let changes = world.cloud.changes().split_off(begun);
    let deleted = changes.iter().rposition(|change| change == "Delete");
    let created = changes.iter().position(|change| change == "Create");
    assert!(deleted < created, "{changes:?}");
}

/// Of a tainted job core hands over nothing but the plan of the new one.
fn a_tainted_running_job_is_deleted_only_for_one_whose_template_exists(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.run(&["taint", JOB]).succeeded();
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    let not_found = FaultKind::error(404, "TemplateNotFound");
    world
        .cloud
        .set_faults([Fault::new("GetEdgeTranscodeTemplate", not_found)]);
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&[
        "Unable to delete job",
        "TemplateNotFound",
        "was not stopped",
    ]);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
    world.cloud.set_faults([]);
    world.apply().succeeded();
    one_job_runs(world);
}

fn a_tainted_running_job_that_must_not_be_stopped_is_not_replaced(world: &TestWorkspace) {
    let job = Block::running_job("it").with("allow_stopping_for_update", "false");
    world.applied(&job);
    world.run(&["taint", JOB]).succeeded();
    world.apply_error().must_say(&["Job must not be stopped"]);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
    world.applied(Block::running_job("it").with("allow_stopping_for_update", "true"));
    one_job_runs(world);
}

fn the_quota_of_the_replaced_job_is_waited_for(world: &TestWorkspace) {
    world.cloud.allow_running_jobs(1);
    world.applied(Block::running_job("it"));
    world.applied(Block::running_job("it").labelled("new"));
    one_job_runs(world);
}

/// The plan looks for the template, too, unless that is turned off or the template vanishes later.
fn a_running_job_is_deleted_only_for_one_whose_template_exists(world: &TestWorkspace) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    let provider = Block::provider().with("skip_plan_checks", "true");
    let job = Block::running_job("it");
    world.applied_all(format_args!("{provider}{job}"));
    let before = world.cloud.job();
    let moved = job.text("cluster_id", "cluster-2");
    world.configure_all(format_args!(
        "{provider}{}",
        moved.clone().text("template_id", "nowhere")
    ));
    let error = world.apply_error();
    error.must_say(&[
        "Unable to delete job",
        "TemplateNotFound",
        "was not stopped",
    ]);

    world.configure_all(format_args!("{provider}{moved}"));
    let template = |kind| [Fault::new("GetEdgeTranscodeTemplate", kind)];
    // An outage, or a cluster that the account has no access to.
    for kind in [
        FaultKind::service_unavailable(),
        FaultKind::error(403, "OperationDenied"),
    ] {
        world.cloud.set_faults(template(kind));
        let error = world.apply_error();
        error.must_say(&["Unable to delete job", "was not stopped"]);
    }
    assert_eq!(world.cloud.job().job_id, before.job_id);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);

    // An account that may not read templates goes without.
    world
        .cloud
        .set_faults(template(FaultKind::error(403, "Forbidden.RAM")));
    world.apply().succeeded();
    assert_eq!(world.cloud.job().cluster_id, "cluster-2");
    one_job_runs(world);
}

/// Replaces a running job, with `-replace` and then by another block, holds the create when the old job is deleted, and goes on
/// after `meanwhile`. The new job runs in the end.
fn replaced_with_a_held_create(world: &TestWorkspace, meanwhile: impl Fn(&Running)) {
    world.applied(Block::running_job("it"));
    for (label, command) in [("it", &REPLACE[..]), ("new", APPLY)] {
        world.configure(Block::running_job("it").labelled(label));
        let running = world.start_held(command, "Create", FaultStage::Before);
        running.wait_logged(&["the API responded", "DeleteEdgeTranscodeJob"]);
        meanwhile(&running);
        world.cloud.release();
        let run = world.end_of(running);
        assert!(run.diagnostics(Severity::Error).is_empty(), "{run}");
        world.cloud.set_faults([]);
        one_job_runs(world);
    }
}

fn the_successor_of_a_running_job_is_started_through_an_outage(world: &TestWorkspace) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    // More than the attempts of one call.
    let away = |verb: &str, times| fault(verb, FaultKind::service_unavailable()).times(times);
    replaced_with_a_held_create(world, |_| {
        world.cloud.set_faults([away("Get", 5), away("Start", 3)]);
    });
    // Nor does a read that is rejected end it.
    let rejected = fault("Get", FaultKind::error(403, "Forbidden.RAM")).times(3);
    replaced_with_a_held_create(world, |_| world.cloud.set_faults([rejected.clone()]));
}

fn the_successor_of_a_running_job_is_started_after_ctrl_c(world: &TestWorkspace) {
    replaced_with_a_held_create(world, Running::press_ctrl_c);
}

fn the_successor_of_a_running_job_is_created_through_throttling(world: &TestWorkspace) {
    world.set("MAX_RETRY_TIMEOUT", "1");
    world.applied(Block::running_job("it"));
    let throttled = fault("Create", FaultKind::throttling_user()).times(8);
    world.cloud.set_faults([throttled]);
    replace(world).succeeded();
    one_job_runs(world);
}

fn the_successor_of_a_running_job_is_created_after_rejections_that_pass(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    for code in ["Forbidden.RAM", "OperationDenied"] {
        let rejected = fault("Create", FaultKind::error(403, code)).times(2);
        world.cloud.set_faults([rejected]);
        replace(world).succeeded();
        one_job_runs(world);
    }
}

/// A call that fails at that moment is retried.
fn the_successor_of_a_running_job_is_created_in_spite_of_ctrl_c(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let throttled = fault("Create", FaultKind::throttling_user());
    world.cloud.set_faults([throttled]);
    let running = world.start(&REPLACE);
    running.wait_logged(&["CreateEdgeTranscodeJob", "Throttling.User"]);
    running.press_ctrl_c();
    world.cloud.set_faults([]);
    let run = world.end_of(running);
    assert!(run.diagnostics(Severity::Error).is_empty(), "{run}");
    one_job_runs(world);
}

/// The API stops the old one when the new one is started, shows that late, and rejects another stop.
fn a_replacement_that_creates_first_deletes_a_job_that_it_has_stopped_and_that_is_shown_as_running(
    world: &TestWorkspace,
) {
    world.applied(create_first(Block::running_job("it")));
    world.cloud.configure(|behavior| {
        behavior.second_writer = SecondWriter::FirstStopped;
        behavior.status_lag_gets = 3;
    });
    replace(world).succeeded();
    one_job_runs(world);
}

fn a_renamed_job_is_started_when_the_old_one_no_longer_writes_its_output(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.second_writer = SecondWriter::Rejected);
    renamed_with_the_old_job_in_the_way(world, "StartEdgeTranscodeJob");
}

fn a_renamed_job_is_created_when_the_old_one_no_longer_has_its_name(world: &TestWorkspace) {
    world
        .cloud
        .configure(|behavior| behavior.unique_names = true);
    renamed_with_the_old_job_in_the_way(world, "CreateEdgeTranscodeJob");
}

/// The old job is stopped and deleted only after this call for the new one was rejected.
fn renamed_with_the_old_job_in_the_way(world: &TestWorkspace, rejected: &str) {
    world.applied(Block::running_job("it"));
    world.configure(Block::running_job("it").labelled("new"));
    let running = world.start_held(APPLY, "Stop", FaultStage::Before);
    running.wait_logged(&["the API responded", rejected, "OperationDenied"]);
    world.cloud.release();
    world.end_of(running).succeeded();
    assert!(world.state(OLD).is_null());
    one_job_runs(world);
}

fn a_protected_job_is_neither_deleted_nor_replaced(world: &TestWorkspace) {
    let protected = Block::running_job("it").with("deletion_protection", "true");
    world.applied(&protected);
    let rejected = |run: Run| {
        let errors = run.failed().diagnostics(Severity::Error);
        let is_protected = |error: &Diagnostic| error.says("Job is protected from deletion");
        assert!(errors.iter().any(is_protected), "{errors:#?}");
    };
    rejected(world.destroy());
    rejected(replace(world));
    world.configure(protected.clone().text("cluster_id", "cluster-2"));
    rejected(world.apply());
    world.configure("");
    rejected(world.apply());
    world.configure(&protected);
    world.run(&["taint", JOB]).succeeded();
    rejected(world.apply());
    world.run(&["untaint", JOB]).succeeded();
    let touched = world.cloud.changes();
    assert_eq!(touched, ["Create", "Start"], "nothing was touched");

    world.applied(protected.with("deletion_protection", "false"));
    let touched = world.cloud.changes();
    assert_eq!(touched, ["Create", "Start"], "no call is needed");
    world.destroy_all();
}

fn a_protected_job_that_creates_first_is_not_left_behind(world: &TestWorkspace) {
    let create_first = Block::new("lifecycle").with("create_before_destroy", "true");
    let protected = Block::running_job("it").with("deletion_protection", "true");
    world.applied(protected.containing(create_first));
    // Core does not say that an object is tainted, so only the deletion could reject, when the new job exists.
    world.run(&["taint", JOB]).succeeded();
    world.apply().succeeded();
    one_job_runs(world);
}

/// Terraform does not let the provider know that an object is deposed.
fn a_protected_job_that_a_replacement_left_is_forgotten_when_it_is_deleted(world: &TestWorkspace) {
    let create_first = Block::new("lifecycle").with("create_before_destroy", "true");
    let protected = Block::job("it")
        .with("deletion_protection", "true")
        .containing(create_first);
    world.applied(&protected);
    let old = world.cloud.job().job_id;
    world.run(&["taint", JOB]).succeeded();
    world.configure(protected.text("stream_output", "rtmp://push.example.com/live/other"));
    world.apply().failed();
    world.plan_error().must_say(&[
        "Job is protected from deletion",
        &old,
        "If it is deposed",
        "delete it yourself",
    ]);
    world.cloud.delete_job(&old);
    world.apply().succeeded();
    world.plan().is_empty();
}
