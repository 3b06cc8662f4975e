//! Operations that fail half way: what the state holds then, what the user reads, and what the next apply does.

use crate::JOB;
use crate::support::cloud::fault;
use crate::support::configuration::Block;
use crate::support::workspace::{DESTROY, TestWorkspace};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus};

over_each_terraform! {
    a_new_job_whose_start_is_rejected_is_whole_in_the_state,
    an_update_that_fails_leaves_only_the_rest_to_the_next_apply,
}

over_newest_terraform! {
    a_start_that_is_owed_is_made_though_the_update_is_rejected,
    a_start_that_is_owed_is_made_without_a_refresh,
    a_new_job_that_is_untainted_is_only_started,
    a_new_job_that_cannot_be_read_is_kept,
    an_update_that_was_carried_out_without_a_response_is_no_failure,
    a_start_that_is_still_owed_is_planned_by_the_next_run,
    a_job_that_is_owed_a_start_is_replaced_by_a_running_one,
    a_job_that_is_owed_a_start_may_be_left_stopped_for_good,
    a_start_that_is_owed_is_made_though_the_status_is_ignored,
    a_job_that_is_owed_a_start_is_not_given_up_silently,
    a_job_that_a_call_did_not_find_and_a_read_does_is_kept,
    a_job_that_a_lost_call_has_deleted_and_a_late_read_shows_is_gone,
    a_job_that_starts_did_not_find_and_a_read_does_is_started_again,
    a_delete_that_fails_leaves_the_job_running_and_says_so,
    a_delete_succeeds_in_spite_of_passing_failures,
    a_job_stopped_by_others_in_the_middle_of_its_deletion_is_deleted,
    a_job_deleted_by_others_in_the_middle_of_its_deletion_is_gone,
    no_response_but_job_not_found_takes_a_job_out_of_the_state,
}

fn a_job_that_may_not_start(world: &TestWorkspace) {
    world.cloud.allow_running_jobs(0);
    world.configure(Block::running_job("it"));
    let error = world.apply_error();
    error.must_say(&["UserQuotaExceed", "is now Stopped", "untaint"]);
    assert_eq!(world.pointed_at(&error), "status");
    world.cloud.allow_running_jobs(1);
}

fn a_new_job_whose_start_is_rejected_is_whole_in_the_state(world: &TestWorkspace) {
    a_job_that_may_not_start(world);
    let (state, job) = (world.state(JOB), world.cloud.job());
    assert_eq!(state["id"], format!("cluster-1:{}", job.job_id));
    assert_eq!(state["job_id"], job.job_id);
    assert_eq!(state["status"], "Stopped");
    assert_eq!(state["template_name"], job.template_name);
    assert_eq!(state["type"], "common");
    assert!(state["create_time"].is_string(), "{state:#}");
    assert!(world.is_tainted(JOB));

    world.apply().succeeded();
    assert!(world.cloud.is_running(), "one job, and it runs");
    world.plan().is_empty();
}

fn a_new_job_that_is_untainted_is_only_started(world: &TestWorkspace) {
    a_job_that_may_not_start(world);
    world.run(&["untaint", JOB]).succeeded();
    let begun = world.cloud.changes().len();
    world.apply().succeeded();
    world.plan().is_empty();
    assert_eq!(world.cloud.changes().split_off(begun), ["Start"]);
}

/// Others start it, and the next apply would interrupt its stream if it were tainted.
fn a_new_job_that_cannot_be_read_is_kept(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    world.cloud.fail("Get", FaultKind::Drop);
    let applied = world.apply().succeeded();
    let warning = applied.warning();
    warning.must_say(&[
        "Job created but not read",
        "lost the connection",
        "could not be read",
        "next plan reads it",
    ]);
    assert!(!world.is_tainted(JOB));

    world.cloud.set_faults([]);
    world.cloud.edit(|job| job.status = JobStatus::Running);
    world.apply().succeeded();
    assert_eq!(world.cloud.changes(), ["Create"]);
    assert_eq!(world.state(JOB)["status"], "Running");
    world.plan().is_empty();
}

/// An update of a running job that fails.
struct FailingUpdate {
    fault: Fault,
    /// The code in the error, and what there is now.
    said: [&'static str; 2],
    /// The changes that were tried.
    made: &'static [&'static str],
    /// Those that the next apply makes.
    left: &'static [&'static str],
}

fn an_update_that_fails_leaves_only_the_rest_to_the_next_apply(world: &TestWorkspace) {
    const ALL: &[&str] = &["Stop", "Update", "Start"];
    let rejected = |verb, code| fault(verb, FaultKind::error(403, code)).times(1);
    let rows = [
        FailingUpdate {
            fault: rejected("Stop", "OperationDenied"),
            said: ["OperationDenied", "is now Running, with its old settings"],
            made: &["Stop"],
            left: ALL,
        },
        // The read after the stop, which was accepted: what was stopped is started again.
        FailingUpdate {
            fault: rejected("Get", "Forbidden.RAM").skip(3),
            said: ["Forbidden.RAM", "is now Running, with its old settings"],
            made: &["Stop", "Start"],
            left: ALL,
        },
        FailingUpdate {
            fault: rejected("Update", "InvalidParameter"),
            said: [
                "InvalidParameter",
                "is now Running, with its old settings. Find out why",
            ],
            made: ALL,
            left: ALL,
        },
        // What the cloud did is not known until it is looked at.
        FailingUpdate {
            fault: fault("Update", FaultKind::internal_error()),
            said: [
                "InternalError",
                "is now Running, with its old settings. Run apply again",
            ],
            made: ALL,
            left: ALL,
        },
        FailingUpdate {
            fault: fault("Start", FaultKind::error(403, "OperationDenied")),
            said: ["OperationDenied", "is now Stopped, with its old settings"],
            made: &["Stop", "Update", "Start", "Update", "Start"],
            left: &["Update", "Start"],
        },
    ];
    let job = Block::running_job("it").containing(Block::new("timeouts").text("update", "2s"));
    world.applied(&job);
    let job_id = world.cloud.job().job_id;

    for (number, row) in rows.into_iter().enumerate() {
        world.configure(job.clone().text("name", &format!("name-{number}")));
        let begun = world.cloud.changes().len();
        world.cloud.set_faults([row.fault]);
        let error = world.apply_error();
        error.must_say(&["Unable to update job"]);
        error.must_say(&row.said);
        let mut changes = world.cloud.changes().split_off(begun);
        changes.dedup();
        assert_eq!(changes, row.made, "{:?}", row.said);
        assert!(!world.is_tainted(JOB));

        world.cloud.set_faults([]);
        let begun = world.cloud.changes().len();
        world.apply().succeeded();
        let changes = world.cloud.changes().split_off(begun);
        assert_eq!(changes, row.left, "{:?}", row.said);
        assert_eq!(world.cloud.job().name, format!("name-{number}"));
        assert!(world.cloud.is_running());
        world.plan().is_empty();
    }
    assert_eq!(world.cloud.job().job_id, job_id);
}

fn an_update_that_was_carried_out_without_a_response_is_no_failure(world: &TestWorkspace) {
    let job = Block::running_job("it").containing(Block::new("timeouts").text("update", "2s"));
    world.applied(&job);
    world.configure(job.text("name", "renamed"));
    world
        .cloud
        .set_faults([fault("Update", FaultKind::Drop).when(FaultStage::After)]);
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "renamed");
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

/// A job that was stopped to be changed and could not be started again. No status is configured, so nothing but the debt tells
/// that it has to run.
fn a_job_that_is_owed_a_start(world: &TestWorkspace) -> Block {
    world.applied(Block::job("it"));
    world.cloud.edit(|job| job.status = JobStatus::Running);
    let renamed = Block::job("it").text("name", "renamed");
    world.configure(&renamed);
    world.cloud.deny("Start");
    let error = world.apply_error();
    error.must_say(&["OperationDenied", "is now Stopped, with its old settings"]);
    world.cloud.set_faults([]);
    renamed
}

fn a_start_that_is_still_owed_is_planned_by_the_next_run(world: &TestWorkspace) {
    a_job_that_is_owed_a_start(world);
    let plan = world.plan();
    plan.warning()
        .must_say(&["A stopped job will be started again", "\"job-it\""]);
    assert_eq!(plan.planned(), [(JOB.to_owned(), "update".to_owned())]);
    world.apply().succeeded();
    assert!(world.cloud.is_running());
    world.plan().is_empty();
    // It is paid: a job that somebody stops later stays stopped.
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    world.plan().is_empty();
}

fn a_start_that_is_owed_is_made_without_a_refresh(world: &TestWorkspace) {
    let job = a_job_that_is_owed_a_start(world);
    // As a failed update leaves it that could not read the job in the end.
    world.edit_state(|state| {
        state["resources"][0]["instances"][0]["attributes"]["status"] = "Running".into();
    });
    world.configure(job.text("name", "again"));
    world
        .run(&["apply", "-json", "-auto-approve", "-refresh=false"])
        .succeeded();
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn a_start_that_is_owed_is_made_though_the_update_is_rejected(world: &TestWorkspace) {
    let job = a_job_that_is_owed_a_start(world);
    world.configure(job.text("name", "again"));
    world
        .cloud
        .fail("Update", FaultKind::error(400, "InvalidParameter"));
    let error = world.apply_error();
    error.must_say(&["InvalidParameter", "is now Running, with its old settings"]);
    assert!(world.cloud.is_running());
    world.cloud.set_faults([]);
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "again");
    world.plan().is_empty();
}

fn a_job_that_is_owed_a_start_is_replaced_by_a_running_one(world: &TestWorkspace) {
    let job = a_job_that_is_owed_a_start(world);
    world.configure(job.text("cluster_id", "cluster-2"));
    let plan = world.plan();
    plan.warning()
        .must_say(&["A stopped job will be started again"]);
    world.apply().succeeded();
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn a_job_that_is_owed_a_start_may_be_left_stopped_for_good(world: &TestWorkspace) {
    let job = a_job_that_is_owed_a_start(world);
    world.configure(job.clone().text("status", "Stopped"));
    let plan = world.plan();
    plan.warning().must_say(&["A stopped job stays stopped"]);
    world.apply().succeeded();
    assert!(!world.cloud.is_running());
    world.configure(job);
    world.plan().is_empty();
}

/// Core shows an ignored status to the plan as configured, and the configured one to the apply.
fn a_start_that_is_owed_is_made_though_the_status_is_ignored(world: &TestWorkspace) {
    for status in [None, Some("Running")] {
        let mut job = a_job_that_is_owed_a_start(world);
        if let Some(status) = status {
            job = job.text("status", status);
        }
        let ignored = Block::new("lifecycle").with("ignore_changes", "[status]");
        world.configure(job.containing(ignored));
        let plan = world.plan();
        plan.warning()
            .must_say(&["A stopped job stays stopped", "ignore_changes"]);
        world.apply().succeeded();
        assert!(world.cloud.is_running(), "{status:?}");
        world.plan().is_empty();
        world.destroy_all();
    }
}

fn a_job_that_is_owed_a_start_is_not_given_up_silently(world: &TestWorkspace) {
    let job = a_job_that_is_owed_a_start(world);
    world.configure(job.clone().labelled("new"));
    let plan = world.plan();
    let [warning] = &plan.warnings("A job waiting to start will be deleted")[..] else {
        panic!("{plan}");
    };
    warning.must_say(&["job-it", "status is \"Running\""]);

    let create_first = Block::new("lifecycle").with("create_before_destroy", "true");
    let moved = job.containing(create_first).text("cluster_id", "cluster-2");
    world.configure(moved);
    let plan = world.plan();
    let warning = plan.warning();
    warning.must_say(&[
        "A stopped job will be started again",
        "create_before_destroy",
    ]);
    let run = world.apply().succeeded();
    let [warning] = &run.warnings("The output stream has ended")[..] else {
        panic!("{run}");
    };
    warning.must_say(&[
        "job-it",
        "could not be started by an earlier run",
        "status = \"Running\"",
    ]);
}

fn a_job_that_a_call_did_not_find_and_a_read_does_is_kept(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    for verb in ["Stop", "Delete"] {
        let not_found = FaultKind::error(404, "JobNotFound");
        world.cloud.set_faults([fault(verb, not_found).times(1)]);
        let error = world.destroy().failed().error();
        error.must_say(&["Unable to delete job", "JobNotFound", "is now Running"]);
        assert!(world.cloud.is_running());
        world.plan().is_empty();
    }
    // Nor does a read that fails prove that it is gone: the fifth, after the plan's, two of the deletion and those after its stop.
    world.set("MAX_RETRY_TIMEOUT", "1");
    let not_found = FaultKind::error(404, "JobNotFound");
    let unreadable = fault("Get", FaultKind::error(403, "Forbidden.RAM"));
    world.cloud.set_faults([
        fault("Stop", not_found).times(1),
        unreadable.skip(3).times(1),
    ]);
    let error = world.destroy().failed().error();
    error.must_say(&["Unable to delete job", "JobNotFound", "is now Running"]);
    assert!(world.cloud.is_running());
    world.destroy_all();
}

/// A read may still show what a lost attempt has deleted.
fn a_job_that_a_lost_call_has_deleted_and_a_late_read_shows_is_gone(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let job = serde_json::json!({
        "RequestId": "16A96B9A-F203-4EC5-8E43-CB92E68F4CD8",
        "Job": {
            "JobId": world.cloud.job().job_id, "Name": "it", "ClusterId": "cluster-1", "TemplateId": "tpl-h264-720p",
            "StreamInput": "rtmp://pull.example.com/live/it", "StreamOutput": "rtmp://push.example.com/live/it",
            "Status": "0", "CreateTime": "2023-07-24T16:44:55Z",
        },
    });
    let late = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body: job.to_string(),
    };
    // The reads before the deletion are those of the plan and of the apply.
    world.cloud.set_faults([
        fault("Delete", FaultKind::Drop)
            .when(FaultStage::After)
            .times(1),
        fault("Get", late).skip(2),
    ]);
    world.destroy().succeeded();
    assert!(world.cloud.jobs().is_empty() && world.state(JOB).is_null());
}

fn a_job_that_starts_did_not_find_and_a_read_does_is_started_again(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    // More than what a start of a stopped job waits for.
    let not_found = FaultKind::error(404, "JobNotFound");
    world.cloud.set_faults([fault("Start", not_found).times(7)]);
    world.applied(Block::running_job("it").text("name", "renamed"));
    assert!(world.cloud.is_running());
}

fn a_delete_that_fails_leaves_the_job_running_and_says_so(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    world.cloud.deny("Delete");
    let error = world.destroy().failed().error();
    error.must_say(&["Unable to delete job", "OperationDenied", "is now Running"]);
    assert!(world.cloud.is_running());
    assert_eq!(world.state(JOB)["status"], "Running");
    world.cloud.set_faults([]);
    world.plan().is_empty();
    world.destroy_all();
}

fn a_delete_succeeds_in_spite_of_passing_failures(world: &TestWorkspace) {
    let faults = [
        fault("Delete", FaultKind::throttling_user()),
        fault("Delete", FaultKind::internal_error()),
        fault("Delete", FaultKind::internal_error()).when(FaultStage::After),
        fault("Delete", FaultKind::Drop).when(FaultStage::After),
        fault("Stop", FaultKind::Drop).when(FaultStage::After),
        fault("Stop", FaultKind::service_unavailable()),
    ];
    world.configure(Block::running_job("it"));
    for fault in faults {
        world.apply().succeeded();
        world.cloud.set_faults([fault.times(1)]);
        world.destroy().succeeded();
        assert!(world.cloud.jobs().is_empty() && world.state(JOB).is_null());
    }
}

fn a_job_stopped_by_others_in_the_middle_of_its_deletion_is_deleted(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let running = world.start_held(DESTROY, "Stop", FaultStage::Before);
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    world.cloud.release();
    world.end_of(running).succeeded();
    assert!(world.cloud.jobs().is_empty() && world.state(JOB).is_null());
    let stops = world.cloud.calls_of("Stop");
    assert!(stops[0].code.is_some(), "it was rejected: {stops:#?}");
}

fn a_job_deleted_by_others_in_the_middle_of_its_deletion_is_gone(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let running = world.start_held(DESTROY, "Delete", FaultStage::Before);
    world.cloud.delete();
    world.cloud.release();
    world.end_of(running).succeeded();
    assert!(world.state(JOB).is_null());
}

fn no_response_but_job_not_found_takes_a_job_out_of_the_state(world: &TestWorkspace) {
    let responses = [
        (
            FaultKind::error(404, "InvalidApi.NotFound"),
            "InvalidApi.NotFound",
        ),
        (FaultKind::error(400, "JobNotFound"), "JobNotFound"),
        (FaultKind::error(403, "Forbidden.RAM"), "Forbidden.RAM"),
        (FaultKind::internal_error(), "InternalError"),
        (FaultKind::html(), "unexpected response"),
        (FaultKind::empty(), "unexpected response"),
        (FaultKind::WrongTypes, "unexpected response"),
        (
            FaultKind::Truncate {
                bytes: 40,
                complete: true,
            },
            "unexpected response",
        ),
        (FaultKind::Drop, "lost the connection"),
    ];
    world.applied(Block::running_job("it").containing(Block::new("timeouts").text("read", "1s")));
    let state = world.state_file();
    for (response, said) in responses {
        world.cloud.fail("Get", response);
        world.plan_error().must_say(&["Unable to read job", said]);
        world.apply().failed();
        assert_eq!(world.state_file(), state, "{said}");
    }
    world.cloud.set_faults([]);
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}
