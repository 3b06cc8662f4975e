//! What tells a job from every other: its cluster and its ID, in the state and as a way to import it.

use serde_json::json;

use crate::JOB;
use crate::support::configuration::{AUTH_KEY, Block, quoted};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    from "1.12":
    a_job_keeps_its_identity_through_its_life,
    a_job_is_imported_by_its_identity,
    a_job_imported_by_its_id_has_its_identity,
    an_identity_that_is_none_is_rejected,
    a_state_without_identities_is_filled_in_and_plans_nothing,
    a_state_of_an_older_terraform_is_filled_in_and_plans_nothing,
    the_import_block_of_the_documentation_works,
}

// Terraform 1.12 itself loses the identity that comes with an error.
over_each_terraform! {
    from "1.13":
    a_job_whose_create_fails_half_way_has_its_identity,
    a_job_whose_update_fails_keeps_its_identity,
}

/// The identity that the only job in the cloud must have.
fn identity_of_the_job(world: &TestWorkspace) -> serde_json::Value {
    let job = world.cloud.job();
    json!({"cluster_id": job.cluster_id, "job_id": job.job_id})
}

fn import_block(cluster_id: &str, job_id: &str) -> Block {
    let (cluster_id, job_id) = (quoted(cluster_id), quoted(job_id));
    let identity = format!("{{ cluster_id = {cluster_id}, job_id = {job_id} }}");
    let import = Block::new("import").with("to", JOB);
    import.with("identity", &identity)
}

fn a_job_keeps_its_identity_through_its_life(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let identity = identity_of_the_job(world);
    assert_eq!(world.identity(JOB), identity);

    world.applied(Block::running_job("it").text("name", "renamed"));
    assert_eq!(world.identity(JOB), identity);
    world.plan().is_empty();

    // Another cluster takes another job, and that has an identity of its own.
    world.applied(Block::job("it").text("cluster_id", "cluster-2"));
    assert_ne!(world.identity(JOB), identity);
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
    world.destroy().succeeded();
}

fn a_job_whose_create_fails_half_way_has_its_identity(world: &TestWorkspace) {
    world.cloud.allow_running_jobs(0);
    world.configure(Block::running_job("it"));
    let _ = world.apply().failed();
    assert!(world.is_tainted(JOB));
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
}

fn a_job_whose_update_fails_keeps_its_identity(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    world.cloud.deny("Update");
    world.configure(Block::job("it").text("name", "renamed"));
    let _ = world.apply().failed();
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
    world.cloud.set_faults([]);
    world.apply().succeeded();
    world.plan().is_empty();
}

fn a_job_is_imported_by_its_identity(world: &TestWorkspace) {
    let job = world.cloud.seed(|_| {});
    let configuration = job_like(&job);
    let block = import_block(&job.cluster_id, &job.job_id);
    let applied = world.applied(format_args!("{configuration}{block}"));
    applied.must_print("1 imported, 0 added, 0 changed, 0 destroyed");
    let id = format!("{}:{}", job.cluster_id, job.job_id);
    assert_eq!(world.state(JOB)["id"], id);
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
    world.plan().is_empty();
}

fn a_job_imported_by_its_id_has_its_identity(world: &TestWorkspace) {
    let job = world.cloud.seed(|_| {});
    world.configure(job_like(&job));
    let id = format!("{}:{}", job.cluster_id, job.job_id);
    world.import(JOB, &id).succeeded();
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
    world.plan().is_empty();

    world.forget_state();
    let block = Block::new("import").with("to", JOB).text("id", &id);
    world.applied(format_args!("{}{block}", job_like(&job)));
    assert_eq!(world.identity(JOB), identity_of_the_job(world));
}

/// The configuration of a job that is there already.
fn job_like(job: &alicloud_live_mock::Job) -> Block {
    Block::job("it")
        .text("cluster_id", &job.cluster_id)
        .text("name", &job.name)
        .text("template_id", &job.template_id)
        .text("stream_input", &job.stream_input)
        .text("stream_output", &job.stream_output)
}

fn an_identity_that_is_none_is_rejected(world: &TestWorkspace) {
    for (cluster_id, job_id, said) in [
        ("", "j", &["The cluster_id", "empty"][..]),
        ("a:b", "j", &["The cluster_id", "colon"]),
        ("cluster-1", " ", &["The job_id", "whitespace"]),
        ("", " ", &["The cluster_id", "The job_id"]),
    ] {
        let block = import_block(cluster_id, job_id);
        world.configure(format_args!("{}{block}", Block::job("it")));
        let error = world.plan_error();
        error.must_say(&["Invalid identity"]);
        error.must_say(said);
    }
    for (identity, attributes) in [
        (r#"{ cluster_id = "cluster-1", job_id = null }"#, "job_id"),
        ("{ cluster_id = null, job_id = null }", "cluster_id, job_id"),
    ] {
        let import = Block::new("import").with("to", JOB);
        let block = import.with("identity", identity);
        world.configure(format_args!("{}{block}", Block::job("it")));
        let error = world.plan_error();
        error.must_say(&["Invalid identity", attributes]);
        assert!(!error.says("bug"), "{error:#?}");
    }
    let block = import_block("cluster-1", "nowhere");
    world.configure(format_args!("{}{block}", Block::job("it")));
    world.plan_error().must_say(&["non-existent"]);
}

fn a_state_without_identities_is_filled_in_and_plans_nothing(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let identity = world.identity(JOB);
    world.edit_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        let instance = instance.as_object_mut().unwrap();
        assert!(instance.remove("identity").is_some());
        assert!(instance.remove("identity_schema_version").is_some());
    });
    fills_in(world, &identity);
}

fn a_state_of_an_older_terraform_is_filled_in_and_plans_nothing(world: &TestWorkspace) {
    world.switch_to("1.6.6");
    world.applied(Block::job("it"));
    world.switch_to("1.15.5");
    let identity = identity_of_the_job(world);
    fills_in(world, &identity);
}

fn fills_in(world: &TestWorkspace, identity: &serde_json::Value) {
    world.plan().is_empty();
    world.plan_without_refresh().is_empty();
    let applied = world.apply().succeeded();
    assert_eq!(applied.planned(), []);
    assert_eq!(applied.drifted(), []);
    assert_eq!(&world.identity(JOB), identity);
    assert_eq!(world.cloud.changes(), ["Create"]);
}

fn the_import_block_of_the_documentation_works(world: &TestWorkspace) {
    const SHOWN_ID: &str = "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7";
    world.configure_as_in("examples/provider");
    world.configure_as_in("examples/resources/alicloud_live_edge_transcode_job");
    world.set("TF_VAR_push_auth_key", AUTH_KEY);
    world.take_out("import-by-string-id.tf");
    let import_block = world.take_out("import-by-identity.tf");
    world.apply().succeeded();
    world.forget_state();

    assert!(import_block.contains(SHOWN_ID));
    let import_block = import_block.replace(SHOWN_ID, &world.cloud.job().job_id);
    world.put("import-by-identity.tf", &import_block);
    let applied = world.apply().succeeded();
    applied.must_print("1 imported");
    world.plan().is_empty();
}
