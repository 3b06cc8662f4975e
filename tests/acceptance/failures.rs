//! What the cloud rejects, and what users read then. None of it may leave a wrong state.

use crate::JOB;
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    a_wrong_secret_is_shown_with_the_apis_code,
    an_unknown_access_key_is_shown_with_the_apis_code,
    an_update_that_is_rejected_leaves_job_and_state_as_they_were,
    a_denied_operation_is_shown_with_the_apis_code,
    an_api_that_does_not_respond_is_named_with_its_endpoint,
}

fn a_wrong_secret_is_shown_with_the_apis_code(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    world.set("ALICLOUD_SECRET_KEY", "wrong");
    world
        .apply_error()
        .must_say(&["SignatureDoesNotMatch", "RequestId"]);
    assert!(world.cloud.jobs().is_empty() && world.state(JOB).is_null());
}

fn an_unknown_access_key_is_shown_with_the_apis_code(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let state = world.state_file();
    world.set("ALICLOUD_ACCESS_KEY", "unknown");
    // The API responds with HTTP 404 here, which must not be taken for a job that is gone.
    world
        .apply_error()
        .must_say(&["InvalidAccessKeyId.NotFound", "RequestId"]);
    assert_eq!(world.state_file(), state);
}

fn an_update_that_is_rejected_leaves_job_and_state_as_they_were(world: &TestWorkspace) {
    let job = Block::running_job("it");
    world.applied(&job);
    let before = world.cloud.job();

    world.configure(job.text("template_id", "nowhere").text("name", "renamed"));
    world
        .apply_error()
        .must_say(&["TemplateNotFound", "RequestId"]);
    let after = world.cloud.job();
    assert_eq!(
        (after.name, after.template_id, after.status),
        (before.name, before.template_id, before.status)
    );
    let state = world.state(JOB);
    assert_eq!(
        (&state["name"], &state["status"]),
        (&"job-it".into(), &"Running".into()),
        "{state:#}"
    );
    assert!(!world.is_tainted(JOB));
}

fn a_denied_operation_is_shown_with_the_apis_code(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let state = world.state_file();
    world.cloud.deny("Get");
    world
        .plan_error()
        .must_say(&["OperationDenied", "RequestId"]);
    assert_eq!(world.state_file(), state);
}

fn an_api_that_does_not_respond_is_named_with_its_endpoint(world: &TestWorkspace) {
    let timeouts = Block::new("timeouts").text("read", "2s");
    world.applied(Block::job("it").containing(timeouts));
    let state = world.state_file();
    world.cloud.goes_down();
    world.apply_error().must_say(&[world.cloud.address()]);
    assert_eq!(world.state_file(), state);
}
