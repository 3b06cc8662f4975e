//! Others start, stop and change jobs while Terraform works, the API is away, and environments change.

use crate::JOB;
use crate::plan_checks::template_looks;
use crate::support::cloud::{Cloud, fault, success};
use crate::support::configuration::{Block, all};
use crate::support::terraform::{Run, Severity};
use crate::support::workspace::{APPLY, TestWorkspace};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Job, JobStatus};

over_each_terraform! {
    a_run_state_that_changes_between_plan_and_apply_is_left_or_enforced,
    without_a_refresh_the_run_state_is_left_as_it_is,
    a_change_that_the_api_does_not_know_makes_no_call,
    a_job_that_must_not_be_stopped_is_not_interrupted,
    a_job_at_another_endpoint_stays_in_the_state,
    a_job_that_somebody_stopped_is_told_of,
    a_running_job_that_somebody_deleted_is_told_of,
}

over_newest_terraform! {
    a_job_that_must_not_be_stopped_can_be_destroyed_with_other_settings_than_configured,
    an_outage_in_an_update_of_many_jobs_leaves_them_running,
    after_a_job_that_does_not_come_back_no_other_is_interrupted,
    no_more_jobs_are_interrupted_at_a_time_than_allowed,
    a_job_that_is_stopped_while_it_waits_for_its_turn_stays_stopped,
    a_running_job_that_is_stopped_before_it_is_replaced_is_told_of,
    an_unknown_template_is_noticed_before_the_stop,
    a_template_in_use_that_has_vanished_is_noticed_before_the_stop,
    a_status_that_is_not_documented_is_left_alone,
    a_job_with_a_status_that_is_not_documented_is_deleted_only_for_one_whose_template_exists,
    a_job_that_is_gone_when_it_is_replaced_has_a_running_successor_as_planned,
    urls_that_come_back_in_another_spelling_change_nothing,
    a_job_of_another_access_key_stays_in_the_state,
    a_job_that_must_not_be_stopped_is_not_replaced_when_it_was_started_since,
    a_job_that_must_not_be_stopped_keeps_running_beside_a_new_one_when_it_was_started_since,
    a_run_state_that_is_ignored_is_left_as_it_is,
    a_setting_that_the_plan_does_not_change_is_left_as_others_have_set_it,
    a_job_that_must_not_be_stopped_is_not_replaced_beside_a_new_one,
    a_tainted_job_whose_deletion_was_rejected_may_be_deleted_by_others,
    a_job_that_is_stopped_while_its_template_is_asked_for_is_not_stopped_again,
    a_job_that_could_not_be_stopped_for_its_deletion_is_not_started,
    a_tainted_job_that_could_not_be_deleted_stays_in_the_state_at_another_endpoint,
    a_job_of_another_account_stays_in_the_state,
    a_job_of_another_account_stays_in_the_state_although_it_was_read,
    a_job_whose_account_was_never_known_stays_in_the_state,
    an_interrupted_job_keeps_its_place_in_the_quota,
    an_account_that_is_named_is_verified_and_survives_a_change_of_keys,
}

const NO_LONGER_RUNNING: &str = "A job is no longer running";

fn saved_plan(world: &TestWorkspace) {
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
}

fn apply_saved(world: &TestWorkspace) -> Run {
    world.run(&["apply", "-json", "saved"]).succeeded()
}

fn a_run_state_that_changes_between_plan_and_apply_is_left_or_enforced(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    for status in [JobStatus::Running, JobStatus::NotStarted] {
        world.configure(Block::job("it").text("name", &format!("renamed-{status:?}")));
        saved_plan(world);
        world.cloud.edit(|job| job.status = status);
        let applied = apply_saved(world);
        assert_eq!(world.cloud.job().status, status, "no status is configured");
        // The state has no trace of it afterwards.
        let told = usize::from(status == JobStatus::NotStarted);
        assert_eq!(applied.warnings(NO_LONGER_RUNNING).len(), told, "{applied}");
        world.plan().is_empty();
    }

    let running = Block::running_job("it");
    world.applied(&running);
    world.configure(running.text("name", "renamed-again"));
    saved_plan(world);
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    apply_saved(world);
    assert!(world.cloud.is_running(), "it is configured");
    world.plan().is_empty();
}

fn without_a_refresh_the_run_state_is_left_as_it_is(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.configure(Block::job("it").text("name", "renamed"));
    world
        .run(&["apply", "-json", "-auto-approve", "-refresh=false"])
        .succeeded();
    assert!(world.cloud.is_running());
    assert_eq!(world.state(JOB)["status"], "Running");
    world.plan().is_empty();
}

fn a_change_that_the_api_does_not_know_makes_no_call(world: &TestWorkspace) {
    let job = Block::running_job("it");
    world.applied(&job);
    saved_plan(world);
    let changes = world.cloud.changes();
    for job in [
        job.clone()
            .containing(Block::new("timeouts").text("update", "7m")),
        job.clone().with("deletion_protection", "false"),
        job.clone().with("allow_stopping_for_update", "true"),
    ] {
        world.configure(job);
        saved_plan(world);
        let calls = world.cloud.calls().len();
        apply_saved(world);
        let after = world.cloud.calls().len();
        assert_eq!(after, calls, "applying takes no call at all");
        world.plan().is_empty();
    }
    assert_eq!(world.cloud.changes(), changes);
}

fn a_job_that_must_not_be_stopped_is_not_interrupted(world: &TestWorkspace) {
    let job = Block::job("it").with("allow_stopping_for_update", "false");
    world.applied(job.clone().text("status", "Running"));
    let running = job.clone().text("status", "Running");
    world.configure(running.text("name", "renamed"));
    let error = world.plan_error();
    error.must_say(&["Job must not be stopped", "\"job-it\" (cluster-1:"]);
    assert_eq!(world.pointed_at(&error), "allow_stopping_for_update");

    // Somebody starts it between plan and apply.
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    world.configure(job.text("name", "renamed"));
    saved_plan(world);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&["Job must not be stopped"]);
    assert!(world.cloud.is_running());
    assert_eq!(world.cloud.job().name, "job-it");
}

fn a_job_that_must_not_be_stopped_is_not_replaced_when_it_was_started_since(world: &TestWorkspace) {
    let job = Block::job("it").with("allow_stopping_for_update", "false");
    world.applied(&job);
    let before = world.cloud.job().job_id;
    world.configure(job.text("cluster_id", "cluster-2"));
    saved_plan(world);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&["Job must not be stopped", "to be replaced"]);
    assert!(world.cloud.is_running());
    assert_eq!(world.cloud.job().job_id, before);
    assert_eq!(world.state(JOB)["job_id"], before);
}

/// The new job was created before that showed.
fn a_job_that_must_not_be_stopped_keeps_running_beside_a_new_one_when_it_was_started_since(
    world: &TestWorkspace,
) {
    let create_first = Block::new("lifecycle").with("create_before_destroy", "true");
    let job = Block::job("it")
        .with("allow_stopping_for_update", "false")
        .containing(create_first);
    world.applied(&job);
    world.configure(job.text("cluster_id", "cluster-2"));
    saved_plan(world);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let run = world.run(&["apply", "-json", "saved"]);
    let running = |job: &Job| job.status == JobStatus::Running;
    assert_eq!(world.cloud.jobs().into_iter().filter(running).count(), 1);
    // From 1.16 on Terraform says which job the new one replaces, so that one runs.
    if world.cloud.jobs().len() == 1 {
        return;
    }
    run.failed().error().must_say(&[
        "Job must not be stopped",
        "is deposed",
        "status = \"Running\"",
    ]);
    let plan = world.plan();
    let warnings = plan.warnings("A running job will be deleted");
    assert_eq!(warnings.len(), 1, "{plan}");
}

fn a_run_state_that_is_ignored_is_left_as_it_is(world: &TestWorkspace) {
    for job in [Block::running_job("it"), Block::job("it")] {
        a_run_state_is_ignored(world, &job);
        world.applied("");
    }
}

fn a_run_state_is_ignored(world: &TestWorkspace, job: &Block) {
    let ignore = Block::new("lifecycle").with("ignore_changes", "[status]");
    let job = job.clone().containing(ignore);
    world.applied(&job);
    // Operators have stopped it, and start it again between plan and apply.
    for (name, brake) in [("renamed", "true"), ("again", "false")] {
        world.cloud.edit(|job| job.status = JobStatus::NotStarted);
        let renamed = job.clone().text("name", name);
        world.configure(renamed.with("allow_stopping_for_update", brake));
        saved_plan(world);
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let run = world.run(&["apply", "-json", "saved"]);
        assert_eq!(run.has_succeeded(), brake == "true", "{run}");
        assert!(world.cloud.is_running());
    }
    assert_eq!(world.cloud.job().name, "renamed");
}

fn a_setting_that_the_plan_does_not_change_is_left_as_others_have_set_it(world: &TestWorkspace) {
    let ignore = Block::new("lifecycle").with("ignore_changes", "[stream_output]");
    let job = Block::job("it").containing(ignore);
    world.applied(&job);
    let running = job.text("status", "Running");
    let renamed = running.clone().text("name", "renamed");
    // The output is at first as it is configured.
    for (job, output, expected) in [
        (running, "b", &["Start"][..]),
        (renamed, "c", &["Stop", "Update", "Start"]),
    ] {
        world.configure(job);
        saved_plan(world);
        let made = world.cloud.changes().len();
        let output = format!("rtmp://push.example.com/live/{output}");
        world
            .cloud
            .edit(|job| output.clone_into(&mut job.stream_output));
        apply_saved(world);
        assert_eq!(world.cloud.changes().split_off(made), expected);
        assert_eq!(world.cloud.job().stream_output, output);
        world.plan().is_empty();
    }
    assert_eq!(world.cloud.job().name, "renamed");
}

fn a_job_that_is_stopped_while_its_template_is_asked_for_is_not_stopped_again(
    world: &TestWorkspace,
) {
    // The plan before the apply would ask first.
    let provider = Block::provider().with("skip_plan_checks", "true");
    for (job, is_to_run) in [(Block::job("it"), false), (Block::running_job("it"), true)] {
        world.applied_all(format_args!("{provider}{job}"));
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let job = job.text("template_id", "tpl-h265-1080p");
        world.configure_all(format_args!("{provider}{job}"));
        saved_plan(world);
        let made = world.cloud.changes().len();
        let asks = Fault::new("GetEdgeTranscodeTemplate", FaultKind::Pause);
        world.cloud.set_faults([asks.times(1)]);
        let running = world.start(&["apply", "-json", "saved"]);
        world.cloud.wait_paused();
        world.cloud.edit(|job| job.status = JobStatus::NotStarted);
        world.cloud.release();
        world.end_of(running).succeeded();
        assert_eq!(world.cloud.job().template_id, "tpl-h265-1080p");
        assert_eq!(world.cloud.is_running(), is_to_run);
        let made = world.cloud.changes().split_off(made);
        assert!(!made.contains(&"Stop".to_owned()), "{made:?}");
        world.destroy_all();
    }
}

fn a_job_that_could_not_be_stopped_for_its_deletion_is_not_started(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.cloud.deny("Stop");
    let error = world.destroy().failed().error();
    error.must_say(&["Unable to delete job", "OperationDenied", "is now Running"]);
    assert_eq!(world.cloud.calls_of("Start").len(), 1);
}

fn a_tainted_job_that_could_not_be_deleted_stays_in_the_state_at_another_endpoint(
    world: &TestWorkspace,
) {
    world.applied(Block::running_job("it"));
    world.run(&["taint", JOB]).succeeded();
    world.cloud.deny("Delete");
    world.apply().failed();
    let elsewhere = Cloud::new();
    world.set("LIVE_ENDPOINT", elsewhere.url());
    let error = world.plan_error();
    error.must_say(&["Job not found at this endpoint or account"]);
    assert!(!world.state(JOB).is_null());
}

/// The other job is no successor, although it writes the same stream.
fn a_job_that_must_not_be_stopped_is_not_replaced_beside_a_new_one(world: &TestWorkspace) {
    let job = Block::job("it").with("allow_stopping_for_update", "false");
    world.applied(&job);
    let before = world.cloud.job().job_id;
    let standby = Block::job("it")
        .labelled("standby")
        .text("status", "Stopped");
    world.configure(format_args!(
        "{}{standby}",
        job.text("cluster_id", "cluster-2")
    ));
    saved_plan(world);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.cloud.hold("Get", FaultStage::Before);
    let running = world.start(&["apply", "-json", "saved"]);
    assert_eq!(world.cloud.wait_paused().call.parameters["JobId"], before);
    running.wait_logged(&["the API responded", "CreateEdgeTranscodeJob"]);
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Job must not be stopped", "to be replaced"]);
    let job = world
        .cloud
        .jobs()
        .into_iter()
        .find(|job| job.job_id == before);
    assert_eq!(job.unwrap().status, JobStatus::Running);
}

fn a_tainted_job_whose_deletion_was_rejected_may_be_deleted_by_others(world: &TestWorkspace) {
    let protected = Block::job("it").with("deletion_protection", "true");
    world.applied(protected);
    world.run(&["taint", JOB]).succeeded();
    world.apply_error().must_say(&["Job is protected"]);
    world.cloud.delete();
    world.apply().succeeded();
    world.plan().is_empty();
}

fn a_job_at_another_endpoint_stays_in_the_state(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let state = world.state_file();
    let elsewhere = Cloud::new();
    world.set("LIVE_ENDPOINT", elsewhere.url());
    for run in [world.plan(), world.apply(), world.destroy()] {
        run.failed().error().must_say(&[
            "Job not found at this endpoint or account",
            world.cloud.url(),
            elsewhere.url(),
            "terraform state rm",
        ]);
    }
    // What was planned there is not applied here.
    assert_eq!(world.state_file(), state);
    world.set("LIVE_ENDPOINT", world.cloud.url());
    world
        .run(&["plan", "-json", "-destroy", "-out=saved"])
        .succeeded();
    world.set("LIVE_ENDPOINT", elsewhere.url());
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&["Job not found at this endpoint or account"]);
    assert!(!world.state(JOB).is_null());
    assert!(elsewhere.changes().is_empty());

    world.set("LIVE_ENDPOINT", world.cloud.url());
    world.plan().is_empty();
    world.cloud.delete();
    world.apply().succeeded();
    assert!(
        world.cloud.is_running(),
        "a job that is gone from its own place is created again"
    );
}

/// Replaces something in what is stored beside the job.
fn edit_stored(world: &TestWorkspace, this: &str, other: &str) {
    world.edit_state(|state| {
        let private = &mut state["resources"][0]["instances"][0]["private"];
        let stored = TestWorkspace::decoded(private.as_str().unwrap());
        assert!(stored.contains(this), "{stored}");
        *private = TestWorkspace::encoded(&stored.replace(this, other)).into();
    });
}

/// That of the mock's access keys.
const ACCOUNT: &str = "1234567890123456";

/// With temporary keys, whose IDs say nothing: STS tells the account.
fn a_job_of_another_account_stays_in_the_state(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    edit_stored(world, ACCOUNT, "6543210987654321");
    world.cloud.delete();
    world.plan_error().must_say(&[
        "Job not found at this endpoint or account",
        "account 6543210987654321",
        "account 1234567890123456",
    ]);
    // Without STS it cannot be known whose keys these are.
    edit_stored(world, "6543210987654321", ACCOUNT);
    world.set("STS_ENDPOINT", "http://127.0.0.1:1");
    world
        .plan_error()
        .must_say(&["Job not found at this endpoint or account", ACCOUNT]);
    world.set("STS_ENDPOINT", world.cloud.url());
    world.apply().succeeded();
    world.plan().is_empty();
}

/// The credentials become those of another account after the deletion has read the job.
fn a_job_of_another_account_stays_in_the_state_although_it_was_read(world: &TestWorkspace) {
    for is_running in [false, true] {
        world.applied(Block::job("it"));
        if is_running {
            world.cloud.edit(|job| job.status = JobStatus::Running);
        }
        edit_stored(world, ACCOUNT, "6543210987654321");
        let not_found = || FaultKind::error(404, "JobNotFound");
        world.cloud.set_faults([
            fault("Delete", not_found()),
            fault("Get", not_found()).skip(1 + u64::from(is_running)),
        ]);
        let destroy = [
            "apply",
            "-json",
            "-destroy",
            "-auto-approve",
            "-refresh=false",
        ];
        let error = world.run(&destroy).failed().error();
        error.must_say(&["Job not found at this endpoint or account"]);
        world.cloud.set_faults([]);
        if is_running {
            let plan = world.plan();
            plan.warning()
                .must_say(&["A stopped job will be started again"]);
            world.apply().succeeded();
            assert!(world.cloud.is_running());
        }
        world.plan().is_empty();
        world.destroy_all();
    }
}

fn a_job_whose_account_was_never_known_stays_in_the_state(world: &TestWorkspace) {
    world.set("STS_ENDPOINT", "http://127.0.0.1:1");
    world.applied(Block::job("it"));
    world.plan().is_empty();
    world.cloud.delete();
    let error = world.plan_error();
    error.must_say(&["Job not found at this endpoint or account"]);
}

fn an_interrupted_job_keeps_its_place_in_the_quota(world: &TestWorkspace) {
    world.cloud.allow_running_jobs(1);
    world.applied(Block::running_job("it"));
    let before = world.cloud.job().job_id;
    let changed = Block::running_job("it").text("name", "renamed");
    let new = Block::running_job("it").labelled("new");
    let new = new.text("stream_output", "rtmp://push.example.com/live/new");
    world.configure(format_args!("{changed}{new}"));
    let running = world.start_held(APPLY, "Stop", FaultStage::Before);
    running.wait_logged(&["StartEdgeTranscodeJob", "UserQuotaExceed"]);
    // Long enough for the new job to ask several times.
    let slow = fault("Update", FaultKind::Slow { ms: 6_000 });
    world.cloud.set_faults([slow]);
    world.cloud.release();
    let error = world.end_of(running).failed().error();
    error.must_say(&["UserQuotaExceed"]);
    let running = world.cloud.jobs().into_iter();
    let running = running.filter(|job| job.status == JobStatus::Running);
    let running: Vec<_> = running.map(|job| job.job_id).collect();
    assert_eq!(running, [before]);
}

fn an_account_that_is_named_is_verified_and_survives_a_change_of_keys(world: &TestWorkspace) {
    world.unset("ALICLOUD_SECURITY_TOKEN");
    world.set("ALICLOUD_ACCOUNT_ID", "6543210987654321");
    world.configure(Block::job("it"));
    world
        .apply_error()
        .must_say(&["account_id is 6543210987654321", ACCOUNT]);
    assert!(world.cloud.jobs().is_empty());

    world.set("ALICLOUD_ACCOUNT_ID", ACCOUNT);
    world.apply().succeeded();
    edit_stored(world, "acceptance-access-key-id", "another-access-key-id");
    world.cloud.delete();
    world.apply().succeeded();
    world.plan().is_empty();
}

fn a_job_of_another_access_key_stays_in_the_state(world: &TestWorkspace) {
    world.unset("ALICLOUD_SECURITY_TOKEN");
    world.applied(Block::job("it"));
    edit_stored(world, "acceptance-access-key-id", "another-access-key-id");
    world.plan().is_empty();
    world.cloud.delete();
    world.plan_error().must_say(&[
        "Job not found at this endpoint or account",
        "another-access-key-id",
        "acceptance-access-key-id",
    ]);
}

fn a_job_that_somebody_stopped_is_told_of(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.apply().succeeded();
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    let plan = world.plan();
    plan.is_empty();
    plan.warning()
        .must_say(&["A job is no longer running", "\"job-it\" (cluster-1:"]);
}

fn a_running_job_that_somebody_deleted_is_told_of(world: &TestWorkspace) {
    for was_running in [true, false] {
        world.applied(Block::job("it"));
        if was_running {
            world.cloud.edit(|job| job.status = JobStatus::Running);
            world.apply().succeeded();
        }
        world.cloud.delete();
        let warnings = world.plan().warnings("A running job no longer exists");
        assert_eq!(warnings.len(), usize::from(was_running), "{warnings:#?}");
        for warning in warnings {
            warning.must_say(&["\"job-it\" (cluster-1:", "status is \"Running\""]);
        }
        world.destroy_all();
    }
}

fn a_job_that_must_not_be_stopped_can_be_destroyed_with_other_settings_than_configured(
    world: &TestWorkspace,
) {
    let job = Block::running_job("it").with("allow_stopping_for_update", "false");
    world.applied(job);
    world.cloud.edit(|job| "edited".clone_into(&mut job.name));
    let error = world.destroy().failed().error();
    error.must_say(&[
        "Job must not be stopped",
        "terraform destroy",
        "-refresh=false",
    ]);
    world
        .run(&["destroy", "-json", "-auto-approve", "-refresh=false"])
        .succeeded();
    assert!(world.cloud.jobs().is_empty());
}

fn many_running_jobs(name: &str) -> Block {
    let output = "rtmp://push.example.com/live/${count.index}";
    Block::running_job("it")
        .with("count", "20")
        .text("name", &format!("{name}-${{count.index}}"))
        .text("stream_output", output)
}

fn running(world: &TestWorkspace) -> usize {
    let jobs = world.cloud.jobs();
    jobs.iter()
        .filter(|job| job.status == JobStatus::Running)
        .count()
}

fn an_outage_in_an_update_of_many_jobs_leaves_them_running(world: &TestWorkspace) {
    let provider = Block::provider();
    world.applied_quietly(format_args!("{provider}{}", many_running_jobs("job")));
    world.configure(many_running_jobs("renamed"));
    // After the first five stops the API is away for a hundred calls of any kind.
    let away = |verb: &str| {
        fault(verb, FaultKind::service_unavailable())
            .skip(5)
            .times(25)
    };
    world
        .cloud
        .set_faults(["Stop", "Update", "Start", "Get"].map(away));
    let _ = world.apply();
    assert_eq!(running(world), 20, "whatever became of the updates");
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(running(world), 20);
    world.plan().is_empty();
}

fn after_a_job_that_does_not_come_back_no_other_is_interrupted(world: &TestWorkspace) {
    let provider = Block::provider().with("max_concurrent_interruptions", "1");
    world.applied_quietly(format_args!("{provider}{}", many_running_jobs("job")));
    world.configure_all(format_args!("{provider}{}", many_running_jobs("renamed")));
    world.cloud.deny("Start");
    let errors = world.apply().failed().diagnostics(Severity::Error);
    assert_eq!(errors.len(), 20);
    assert_eq!(
        running(world),
        19,
        "one stream is lost, and no other is risked"
    );
    let jobs = world.cloud.jobs();
    let lost = jobs.iter().find(|job| job.status == JobStatus::NotStarted);
    let lost = lost.unwrap();
    for error in errors {
        error.must_say(&[&lost.job_id]);
    }
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(running(world), 20);
}

fn no_more_jobs_are_interrupted_at_a_time_than_allowed(world: &TestWorkspace) {
    let provider = Block::provider().with("max_concurrent_interruptions", "2");
    world.applied_quietly(format_args!("{provider}{}", many_running_jobs("job")));
    let begun = world.cloud.changes().len();
    world.applied_all(format_args!("{provider}{}", many_running_jobs("renamed")));
    let (mut down, mut most) = (0, 0);
    for change in world.cloud.changes().split_off(begun) {
        match change.as_str() {
            "Stop" => down += 1,
            "Start" => down -= 1,
            _ => {}
        }
        most = most.max(down);
    }
    assert_eq!((down, most), (0, 2));
}

/// The plan has promised that the new job will be started.
fn a_running_job_that_is_stopped_before_it_is_replaced_is_told_of(world: &TestWorkspace) {
    let first = Block::new("lifecycle").with("create_before_destroy", "true");
    for job in [Block::job("it"), Block::job("it").containing(first)] {
        world.applied(&job);
        world.cloud.edit(|job| job.status = JobStatus::Running);
        world.configure(job.text("cluster_id", "cluster-2"));
        saved_plan(world);
        world.cloud.edit(|job| job.status = JobStatus::NotStarted);
        let applied = apply_saved(world);
        let told = applied.warnings(NO_LONGER_RUNNING);
        assert_eq!(told.len(), 1, "{applied}");
        told[0].must_say(&["stays stopped, too", "status = \"Running\""]);
        assert_eq!(world.state(JOB)["status"], "Stopped");
        world.destroy_all();
    }
}

fn a_job_that_is_stopped_while_it_waits_for_its_turn_stays_stopped(world: &TestWorkspace) {
    let provider = Block::provider().with("max_concurrent_interruptions", "1");
    let named = |name: &str| {
        let [one, other] = ["one", "other"].map(|label| Block::job(label).text("name", name));
        format!("{provider}{one}{other}")
    };
    world.applied_quietly(named("before"));
    for job_id in world.cloud.job_ids() {
        world
            .cloud
            .edit_job(&job_id, |job| job.status = JobStatus::Running);
    }
    world.configure_all(named("after"));
    world.cloud.hold("Stop", FaultStage::Before);
    let running = world.start(APPLY);
    let held = world.cloud.wait_paused().call.parameters["JobId"].clone();
    let waiting = world.cloud.job_ids().into_iter().find(|id| *id != held);
    let waiting = waiting.unwrap();
    world
        .cloud
        .edit_job(&waiting, |job| job.status = JobStatus::NotStarted);
    world.cloud.release();
    let applied = world.end_of(running).succeeded();
    let told = applied.warnings(NO_LONGER_RUNNING);
    assert_eq!(told.len(), 1, "{applied}");
    told[0].must_say(&[&waiting]);
    for job in world.cloud.jobs() {
        assert_eq!(job.name, "after");
        assert_eq!(job.status == JobStatus::Running, job.job_id == held);
    }
}

fn an_unknown_template_is_noticed_before_the_stop(world: &TestWorkspace) {
    // The plan would notice it, unless that is turned off or the template vanishes later.
    let provider = Block::provider().with("skip_plan_checks", "true");
    let job = Block::running_job("it");
    world.applied_all(format_args!("{provider}{job}"));
    let job = job.text("template_id", "nowhere");
    world.configure_all(format_args!("{provider}{job}"));
    let error = world.apply_error();
    error.must_say(&["TemplateNotFound", "was not stopped"]);
    assert_eq!(world.pointed_at(&error), "template_id");
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn a_template_in_use_that_has_vanished_is_noticed_before_the_stop(world: &TestWorkspace) {
    let named = |name: &str| {
        let jobs = ["one", "other"].map(|label| Block::running_job(label).text("name", name));
        all(&jobs)
    };
    world.applied(named("before"));
    let not_found = FaultKind::error(404, "TemplateNotFound");
    world.cloud.set_faults([
        Fault::new("GetEdgeTranscodeTemplate", not_found.clone()),
        fault("Update", not_found),
    ]);
    let (made, asked) = (world.cloud.changes().len(), template_looks(world).len());
    world.configure(named("after"));
    for error in world.apply().failed().diagnostics(Severity::Error) {
        error.must_say(&["TemplateNotFound", "was not stopped"]);
        assert_eq!(world.pointed_at(&error), "template_id");
    }
    assert_eq!(world.cloud.changes().len(), made);
    assert_eq!(template_looks(world).len(), asked + 1, "once for both jobs");

    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(template_looks(world).len(), asked + 2);
}

/// Each read of the job shows this status.
fn shown_status(world: &TestWorkspace, status: &str) -> Fault {
    let job = world.cloud.job();
    let body = format!(
        r#"{{"RequestId": "R", "Job": {{"JobId": "{}", "Name": "{}", "Status": "{status}", "TemplateId": "{}",
            "StreamInput": "{}", "StreamOutput": "{}"}}}}"#,
        job.job_id, job.name, job.template_id, job.stream_input, job.stream_output
    );
    fault("Get", success(body))
}

/// It may be that of a running job.
fn a_job_with_a_status_that_is_not_documented_is_deleted_only_for_one_whose_template_exists(
    world: &TestWorkspace,
) {
    world.applied(Block::running_job("it"));
    let shown = shown_status(world, "2");
    world.cloud.set_faults([shown.clone()]);
    world.configure(Block::running_job("it").text("cluster_id", "cluster-2"));
    saved_plan(world);
    let not_found = FaultKind::error(404, "TemplateNotFound");
    let look = Fault::new("GetEdgeTranscodeTemplate", not_found);
    world.cloud.set_faults([shown, look]);
    let error = world.run(&["apply", "-json", "saved"]).failed().error();
    error.must_say(&["TemplateNotFound", "was not stopped"]);
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

/// Others have deleted it, or an apply of the same plan that was killed.
fn a_job_that_is_gone_when_it_is_replaced_has_a_running_successor_as_planned(
    world: &TestWorkspace,
) {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.configure(Block::job("it").text("cluster_id", "cluster-2"));
    saved_plan(world);
    world.cloud.delete();
    apply_saved(world);
    assert_eq!(world.cloud.job().cluster_id, "cluster-2");
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn a_status_that_is_not_documented_is_left_alone(world: &TestWorkspace) {
    world.applied(Block::job("it").containing(Block::new("timeouts").text("update", "5s")));
    let changes = world.cloud.changes();
    world.cloud.set_faults([shown_status(world, "2")]);
    world.plan().is_empty();
    world.configure(Block::job("it").text("name", "renamed"));
    let error = world.apply_error();
    error.must_say(&["status \"2\"", "does not document", "Nothing was changed"]);
    assert_eq!(world.cloud.changes(), changes);
}

fn urls_that_come_back_in_another_spelling_change_nothing(world: &TestWorkspace) {
    let output = "rtmp://Push.Example.COM:1935/live/it";
    let job = Block::running_job("it").text("stream_output", output);
    world.applied(&job);
    world
        .cloud
        .edit(|job| "rtmp://push.example.com/live/it".clone_into(&mut job.stream_output));
    world.plan().is_empty();
    assert_eq!(world.state(JOB)["stream_output"], output);

    world.configure(job.text("stream_output", "rtmp://push.example.com/live/it"));
    let begun = world.cloud.changes().len();
    world.apply().succeeded();
    assert_eq!(world.cloud.changes().len(), begun, "it is the same stream");
    world.plan().is_empty();
}
