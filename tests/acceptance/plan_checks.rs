//! What a plan tells beyond what it will change: a template that does not exist, a cluster and credentials that the API rejects,
//! two jobs that write one stream. Whatever else happens to such a check, the plan is as it would be without.

use alicloud_live_mock::{Fault, FaultKind, RecordedCall};

use crate::JOB;
use crate::existing_jobs::RUNNING_WRITER;
use crate::support::cloud::fault;
use crate::support::configuration::{AUTH_KEY_HASH, Block, auth_key};
use crate::support::terraform::Severity;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    a_template_that_does_not_exist_is_an_error_at_plan,
    a_template_is_looked_at_once_for_all_jobs,
    a_template_that_vanishes_between_plan_and_apply_fails_the_create_alone,
    a_template_that_is_in_use_is_not_looked_at,
    a_cluster_that_the_api_does_not_list_is_warned_of_once,
    rejected_credentials_are_warned_of_once,
    two_jobs_that_will_write_one_stream_are_warned_of,
    checks_can_be_skipped,
}

over_newest_terraform! {
    a_check_that_fails_is_silent,
    a_job_that_is_replaced_is_no_second_writer,
    a_plan_that_warns_of_a_running_job_does_not_warn_of_it_twice,
    a_stopped_job_that_will_run_beside_its_copy_is_warned_of,
}

const GET_TEMPLATE: &str = "GetEdgeTranscodeTemplate";

fn jobs(count: usize) -> Block {
    let output = "rtmp://push.example.com/live/${count.index}";
    Block::job("it")
        .with("count", &count.to_string())
        .text("name", "job-${count.index}")
        .text("stream_output", output)
}

pub(crate) fn template_looks(world: &TestWorkspace) -> Vec<RecordedCall> {
    let mut calls = world.cloud.calls();
    calls.retain(|call| call.action.as_deref() == Some(GET_TEMPLATE));
    calls
}

fn template_not_found() -> FaultKind {
    FaultKind::error(404, "TemplateNotFound")
}

fn a_template_that_does_not_exist_is_an_error_at_plan(world: &TestWorkspace) {
    world.configure(jobs(3).text("template_id", "no-such-template"));
    let planned = world.plan().failed();
    let errors = planned.diagnostics(Severity::Error);
    assert_eq!(errors.len(), 3, "each names its job: {planned}");
    for error in errors {
        assert_eq!(error.summary, "Template not found");
        error.must_say(&["\"job-", "TemplateNotFound", "HTTP 404", "RequestId"]);
        assert_eq!(world.pointed_at(&error), "template_id");
    }
    assert_eq!(template_looks(world).len(), 1);
    let _ = world.apply().failed();
    assert!(world.cloud.changes().is_empty());
}

fn a_template_is_looked_at_once_for_all_jobs(world: &TestWorkspace) {
    world.configure(jobs(12));
    let _ = world.plan().planned();
    assert_eq!(template_looks(world).len(), 1);
    world.apply().succeeded();
    world.plan().is_empty();
}

fn a_template_that_vanishes_between_plan_and_apply_fails_the_create_alone(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.configure(Block::job("it").text("cluster_id", "cluster-2"));
    world.run(&["plan", "-no-color", "-out=tfplan"]).succeeded();
    world.cloud.set_faults([
        Fault::new(GET_TEMPLATE, template_not_found()),
        fault("Create", template_not_found()),
    ]);
    let applied = world.run(&["apply", "-json", "tfplan"]).failed();
    // The old job is gone by then. Whether the new one can be created is for the create to say.
    assert_eq!(applied.error().summary, "Unable to create job");
    assert_eq!(world.cloud.changes(), ["Create", "Delete", "Create"]);

    // The next run creates it.
    world.cloud.set_faults([]);
    world.apply().succeeded();
    world.plan().is_empty();
}

fn a_template_that_is_in_use_is_not_looked_at(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let vanished = Fault::new(GET_TEMPLATE, template_not_found());
    world.cloud.set_faults([vanished]);
    let before = template_looks(world).len();
    world.plan().is_empty();
    world.applied(Block::job("it").text("name", "other"));
    assert_eq!(template_looks(world).len(), before);

    world.configure(Block::job("it").text("template_id", "tpl-uhd-4k"));
    let error = world.plan_error();
    assert_eq!(error.summary, "Template not found");
    assert_eq!(error.address.as_deref(), Some(JOB));
    assert_eq!(world.pointed_at(&error), "template_id");

    // Core plans before it destroys. The error names the way out.
    let error = world.destroy().failed().error();
    error.must_say(&["terraform destroy", "-refresh=false"]);
    world
        .run(&["destroy", "-json", "-auto-approve", "-refresh=false"])
        .succeeded();
    assert!(world.cloud.jobs().is_empty());
}

fn a_cluster_that_the_api_does_not_list_is_warned_of_once(world: &TestWorkspace) {
    world.configure(jobs(3).text("cluster_id", "no-such-cluster"));
    let planned = world.plan();
    assert_eq!(planned.planned().len(), 3, "{planned}");
    let warnings = planned.warnings("Cluster is not accessible");
    assert_eq!(warnings.len(), 1, "{planned}");
    warnings[0].must_say(&["\"job-", "OperationDenied", "cluster_id", "RequestId"]);
    let failed = world.apply().failed();
    assert_eq!(failed.diagnostics(Severity::Error).len(), 3);
}

fn rejected_credentials_are_warned_of_once(world: &TestWorkspace) {
    world.set("ALICLOUD_SECRET_KEY", "notthesecretatall");
    world.configure(jobs(3));
    let planned = world.plan();
    assert_eq!(planned.planned().len(), 3, "{planned}");
    let warnings = planned.warnings("Credentials were rejected");
    assert_eq!(warnings.len(), 1, "{planned}");
    warnings[0].must_say(&["SignatureDoesNotMatch", "secret key"]);
}

/// Two jobs whose output URLs differ in their keys.
fn two_writers(status: &str) -> String {
    let writer = |label, expires, status| {
        let key = auth_key(expires);
        let output = format!("rtmp://push.example.com/live/one?auth_key={key}");
        Block::job(label)
            .text("stream_output", &output)
            .text("status", status)
    };
    let first = writer("a", 4_102_444_800, "Running");
    let second = writer("b", 4_102_444_900, status);
    format!("{first}{second}")
}

const TWO_WRITERS: &str = "Two jobs write the same output stream";

fn two_jobs_that_will_write_one_stream_are_warned_of(world: &TestWorkspace) {
    world.configure(two_writers("Running"));
    let planned = world.plan();
    let warnings = planned.warnings(TWO_WRITERS);
    assert_eq!(warnings.len(), 1, "{planned}");
    warnings[0].must_say(&["\"job-a\"", "\"job-b\"", "other provider blocks"]);
    assert!(!warnings[0].detail.contains(AUTH_KEY_HASH));

    world.configure(two_writers("Stopped"));
    let planned = world.plan();
    assert!(planned.warnings(TWO_WRITERS).is_empty(), "{planned}");
    world.apply().succeeded();
    // Now the first runs in the cloud, too, which is the stronger warning.
    world.configure(two_writers("Running"));
    let planned = world.plan();
    assert_eq!(planned.warnings(RUNNING_WRITER).len(), 1, "{planned}");
    assert!(planned.warnings(TWO_WRITERS).is_empty(), "{planned}");
}

fn a_plan_that_warns_of_a_running_job_does_not_warn_of_it_twice(world: &TestWorkspace) {
    let first = Block::job("a").text("status", "Running");
    world.applied(&first);
    let second = first.clone().labelled("b").text("name", "job-b");
    world.configure(format_args!("{first}{second}"));
    let planned = world.plan();
    let running = planned.warnings(RUNNING_WRITER);
    assert_eq!(running.len(), 1, "{planned}");
    assert!(planned.warnings(TWO_WRITERS).is_empty(), "{planned}");
}

/// That an identical job exists does not say that both will run.
fn a_stopped_job_that_will_run_beside_its_copy_is_warned_of(world: &TestWorkspace) {
    let first = Block::job("a").text("status", "Stopped");
    world.applied(&first);
    let first = Block::running_job("a");
    let second = first.clone().labelled("b");
    world.configure(format_args!("{first}{second}"));
    let planned = world.plan();
    assert_eq!(
        planned.warnings("An identical job exists").len(),
        1,
        "{planned}"
    );
    assert_eq!(planned.warnings(TWO_WRITERS).len(), 1, "{planned}");
}

fn a_job_that_is_replaced_is_no_second_writer(world: &TestWorkspace) {
    let job = Block::running_job("it");
    world.applied(&job);
    let replace = format!("-replace={JOB}");
    let planned = world.run(&["plan", "-json", &replace]);
    assert!(planned.warnings(TWO_WRITERS).is_empty(), "{planned}");
    world.configure(job.text("cluster_id", "cluster-2"));
    for run in [world.plan(), world.apply()] {
        assert!(run.warnings(TWO_WRITERS).is_empty(), "{run}");
    }
}

fn checks_can_be_skipped(world: &TestWorkspace) {
    let provider = Block::provider().with("skip_plan_checks", "true");
    let job = jobs(2).text("template_id", "no-such-template");
    world.configure_all(format_args!("{provider}{job}"));
    let planned = world.plan();
    assert_eq!(planned.planned().len(), 2, "{planned}");
    assert!(world.cloud.calls().is_empty());
    assert_eq!(world.apply().failed().diagnostics(Severity::Error).len(), 2);
}

fn a_check_that_fails_is_silent(world: &TestWorkspace) {
    world.configure(jobs(2).text("template_id", "no-such-template"));
    for kind in [
        FaultKind::error(403, "NoPermission"),
        FaultKind::error(400, "TemplateNotFound"),
        FaultKind::error(404, "JobNotFound"),
        FaultKind::error(403, "OperationDenied"),
        FaultKind::error(429, "Throttling.User"),
        FaultKind::internal_error(),
        FaultKind::Drop,
        // Three seconds, and no longer.
        FaultKind::Hang,
    ] {
        world.cloud.set_faults([
            Fault::new(GET_TEMPLATE, kind.clone()),
            fault("List", FaultKind::error(403, "NoPermission")),
        ]);
        let before = template_looks(world).len();
        let planned = world.plan();
        assert_eq!(planned.planned().len(), 2, "{kind:?}: {planned}");
        let warnings = planned.diagnostics(Severity::Warning);
        assert!(warnings.is_empty(), "{kind:?}: {planned}");
        let looks = template_looks(world).len() - before;
        assert_eq!(looks, 1, "one attempt: {kind:?}");
    }
}
