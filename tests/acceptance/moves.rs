//! Taking jobs over from another provider in the state, by a `moved` block.

use serde_json::json;

use crate::JOB;
use crate::support::cloud::Cloud;
use crate::support::configuration::{Block, HEADER};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    from "1.8":
    a_job_of_another_provider_is_taken_over,
    a_foreign_state_is_taken_over_as_far_as_it_fits,
    a_foreign_state_that_names_no_job_is_rejected,
}

over_newest_terraform! {
    a_job_of_another_provider_that_is_not_found_stays_in_the_state,
}

over_each_terraform! {
    what_another_provider_has_stored_is_read_after_replace_provider,
}

over_each_terraform! {
    from "1.12":
    a_job_that_is_taken_over_has_its_identity,
}

// OpenTofu 1.12.6 asks for the moved state alone and sends us the other provider's identity with the next read.
// `opentofu.rs` shows what its users do instead.
over_terraform! {
    from "1.12":
    the_identity_of_another_provider_is_replaced,
}

pub(crate) const OLD: &str = "alicloud_live_edge_transcode_job.old";

/// Makes a job under the address of another provider, which is ours by another name.
fn a_job_of_another_provider(world: &TestWorkspace) {
    let header = HEADER.replace("edge-transcode/", "elsewhere/");
    world.configure("");
    let old = Block::job("it").labelled("old").text("status", "Running");
    world.put("main.tf", &format!("{header}{}{old}", Block::provider()));
    world.apply().succeeded();
    assert!(world.state_file().contains("elsewhere/alicloud-live"));
}

pub(crate) fn configure_move(world: &TestWorkspace) {
    let moved = Block::new("moved").with("from", OLD).with("to", JOB);
    let job = Block::running_job("it");
    world.configure(format_args!("{job}{moved}"));
}

/// The move has happened, and no more.
fn is_taken_over(world: &TestWorkspace) {
    let applied = world.apply().succeeded();
    applied.must_print("0 added, 0 changed, 0 destroyed");
    let job = world.cloud.job();
    assert_eq!(world.state(JOB)["id"], format!("cluster-1:{}", job.job_id));
    assert!(world.state(OLD).is_null());
    assert!(!world.state_file().contains("elsewhere/alicloud-live"));
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn a_job_of_another_provider_is_taken_over(world: &TestWorkspace) {
    a_job_of_another_provider(world);
    configure_move(world);
    is_taken_over(world);
}

/// Where it was found before, the other provider has not said: absence from here proves nothing.
fn a_job_of_another_provider_that_is_not_found_stays_in_the_state(world: &TestWorkspace) {
    a_job_of_another_provider(world);
    configure_move(world);
    let elsewhere = Cloud::new();
    world.set("LIVE_ENDPOINT", elsewhere.url());
    let error = world.apply_error();
    error.must_say(&["Job not found at this endpoint or account", elsewhere.url()]);
    assert!(elsewhere.jobs().is_empty());
    world.set("LIVE_ENDPOINT", world.cloud.url());
    is_taken_over(world);
}

fn a_job_that_is_taken_over_has_its_identity(world: &TestWorkspace) {
    a_job_of_another_provider(world);
    configure_move(world);
    world.apply().succeeded();
    assert_eq!(world.identity(JOB)["job_id"], world.cloud.job().job_id);
}

/// The state of [`OLD`] as another provider would have written it.
fn a_foreign_state(world: &TestWorkspace) {
    a_job_of_another_provider(world);
    let id = format!("cluster-1:{}", world.cloud.job().job_id);
    world.edit_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["schema_version"] = json!(7);
        instance["private"] = json!("Zm9yZWlnbg==");
        instance["attributes"] = json!({
            "id": id, "status": 1, "job_name": "job-it", "region_id": "cn-shanghai", "timeouts": [],
        });
        instance.as_object_mut().unwrap().remove("identity");
    });
}

/// The same with an identity of another shape than ours.
pub(crate) fn a_foreign_state_with_identity(world: &TestWorkspace) {
    a_foreign_state(world);
    world.edit_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["identity"] = json!({ "id": instance["attributes"]["id"] });
        instance["identity_schema_version"] = json!(0);
    });
}

fn a_foreign_state_is_taken_over_as_far_as_it_fits(world: &TestWorkspace) {
    a_foreign_state(world);
    configure_move(world);
    is_taken_over(world);
}

fn the_identity_of_another_provider_is_replaced(world: &TestWorkspace) {
    a_foreign_state_with_identity(world);
    configure_move(world);
    is_taken_over(world);
    assert_eq!(world.identity(JOB)["job_id"], world.cloud.job().job_id);
}

/// Puts these attributes, and private data of another SDK, into the state, and gives the object to our provider.
fn replace_provider(world: &TestWorkspace, attributes: &serde_json::Value) {
    a_job_of_another_provider(world);
    world.edit_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["private"] = json!("eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==");
        instance["attributes"] = attributes.clone();
        let instance = instance.as_object_mut().unwrap();
        instance.remove("identity");
        instance.remove("identity_schema_version");
    });
    world.configure(Block::job("it").labelled("old").text("status", "Running"));
    let replaced = world.run(&[
        "state",
        "replace-provider",
        "-auto-approve",
        "elsewhere/alicloud-live",
        "edge-transcode/alicloud-live",
    ]);
    replaced.succeeded();
}

fn what_another_provider_has_stored_is_read_after_replace_provider(world: &TestWorkspace) {
    replace_provider(world, &json!({ "name": "job-it", "status": 1 }));
    let error = world.plan_error();
    error.must_say(&[
        "cannot be read",
        "it has no id",
        "state rm",
        "terraform import",
    ]);

    let id = format!("cluster-1:{}", world.cloud.job().job_id);
    world.edit_state(|state| {
        state["resources"][0]["instances"][0]["attributes"] =
            json!({ "id": id, "status": 1, "tags": { "a": "b" }, "timeouts": [] });
    });
    let applied = world.apply().succeeded();
    applied.must_print("0 added, 0 changed, 0 destroyed");
    assert_eq!(world.state(OLD)["status"], "Running");
    world.plan().is_empty();
    world.destroy_all();
}

fn a_foreign_state_that_names_no_job_is_rejected(world: &TestWorkspace) {
    a_job_of_another_provider(world);
    world.edit_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["attributes"] = json!({"name": "job-it"});
        instance.as_object_mut().unwrap().remove("identity");
    });
    configure_move(world);
    let error = world.plan_error();
    error.must_say(&[
        "Job cannot be moved",
        "elsewhere/alicloud-live",
        "cluster_id and job_id",
        "state rm",
    ]);
}
