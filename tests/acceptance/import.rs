//! Taking over a job that exists.

use crate::JOB;
use crate::support::configuration::{Block, HEADER};
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::JobStatus;

over_each_terraform! {
    a_job_is_imported_by_command,
    a_job_is_imported_by_block,
    an_id_that_is_no_id_is_rejected_with_the_form_that_it_should_have,
    a_job_that_does_not_exist_cannot_be_imported,
}

over_each_terraform! {
    from "1.14":
    the_configuration_that_is_generated_for_an_import_plans_nothing,
    configuration_generated_under_the_local_name_alicloud_applies_unchanged,
}

/// A job in the cloud that the state knows nothing of.
fn a_job_made_elsewhere(world: &TestWorkspace) -> String {
    world.applied(Block::running_job("it"));
    world.forget_state();
    format!("cluster-1:{}", world.cloud.job().job_id)
}

fn a_job_is_imported_by_command(world: &TestWorkspace) {
    let id = a_job_made_elsewhere(world);
    world.import(JOB, &id).succeeded();
    assert_eq!(world.state(JOB)["id"], id);
    world.plan().is_empty();
}

fn a_job_is_imported_by_block(world: &TestWorkspace) {
    let id = a_job_made_elsewhere(world);
    let job = Block::running_job("it");
    let applied = world.applied(format_args!(
        "{job}\nimport {{\n  to = {JOB}\n  id = \"{id}\"\n}}\n"
    ));
    applied.must_print("1 imported, 0 added, 0 changed, 0 destroyed");
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn the_configuration_that_is_generated_for_an_import_plans_nothing(world: &TestWorkspace) {
    let job = world.cloud.seed(|job| job.status = JobStatus::Running);
    let id = format!("cluster-1:{}", job.job_id);
    let block = Block::new("import")
        .with("to", JOB)
        .text("id", &id)
        .with("provider", "alicloud-live");
    // Into what it generates Terraform writes the provider's type in the place of its local name.
    let header = HEADER.replace("alicloud =", "alicloud-live =");
    world.put("main.tf", &format!("{header}{block}"));
    let planned = world.run(&["plan", "-json", "-generate-config-out=generated.tf"]);
    let _ = planned.succeeded();
    let generated = world.file("generated.tf");
    assert!(generated.contains("\"Running\""), "{generated}");
    assert!(!generated.contains("create_time"), "{generated}");
    let applied = world.apply().succeeded();
    applied.must_print("1 imported, 0 added, 0 changed, 0 destroyed");
    world.plan().is_empty();
}

/// Both local names in `required_providers`, as the guide on moving jobs says: Terraform writes the provider's type in the place
/// of its local name.
fn configuration_generated_under_the_local_name_alicloud_applies_unchanged(world: &TestWorkspace) {
    let job = world.cloud.seed(|job| job.status = JobStatus::Running);
    let block = Block::new("import")
        .with("to", JOB)
        .text("id", &format!("cluster-1:{}", job.job_id));
    let both = HEADER.replace(
        "    alicloud = {",
        "    alicloud-live = {\n      source = \"edge-transcode/alicloud-live\"\n    }\n    alicloud = {",
    );
    world.put("main.tf", &format!("{both}{}{block}", Block::provider()));
    let planned = world.run(&["plan", "-json", "-generate-config-out=generated.tf"]);
    let _ = planned.succeeded();
    let applied = world.apply().succeeded();
    applied.must_print("1 imported, 0 added, 0 changed, 0 destroyed");
    world.plan().is_empty();

    // Tidied up: one local name, and no line that names the other.
    let generated = world.file("generated.tf");
    let line = |line: &&str| line.trim_start().starts_with("provider ");
    assert_eq!(generated.lines().filter(line).count(), 1, "{generated}");
    let kept: Vec<&str> = generated.lines().filter(|text| !line(text)).collect();
    world.put("generated.tf", &kept.join("\n"));
    world.put("main.tf", &format!("{HEADER}{}", Block::provider()));
    world.plan().is_empty();
    assert!(world.cloud.changes().is_empty());
}

fn an_id_that_is_no_id_is_rejected_with_the_form_that_it_should_have(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    for id in ["no-colon", "cluster-1:", ":job"] {
        let rejected = world.import(JOB, id).failed();
        assert!(
            rejected.errors.contains("<cluster_id>:<job_id>"),
            "{rejected}"
        );
    }
    // What the console shows of a job.
    let job_id = "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7";
    let rejected = world.import(JOB, job_id).failed();
    for part in [job_id, "missing"] {
        assert!(rejected.errors.contains(part), "{rejected}");
    }
    assert!(world.state(JOB).is_null());
}

fn a_job_that_does_not_exist_cannot_be_imported(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    let rejected = world.import(JOB, "cluster-1:nowhere").failed();
    assert!(rejected.errors.contains("non-existent"), "{rejected}");
    assert!(world.state(JOB).is_null());
}
