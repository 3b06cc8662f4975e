//! What OpenTofu has and Terraform has not, as far as the provider has a part in it, and what OpenTofu's users do where
//! OpenTofu does less.

use serde_json::{Value, json};

use crate::JOB;
use crate::moves::{OLD, a_foreign_state_with_identity, configure_move};
use crate::support::configuration::{AUTH_KEY_HASH, Block};
use crate::support::terraform::{Diagnostic, Run, Severity};
use crate::support::workspace::{APPLY, DESTROY, PLAN, TestWorkspace};

over_opentofu! {
    an_encrypted_state_keeps_all_that_the_provider_has_stored,
    a_plain_state_becomes_an_encrypted_one,
    each_instance_of_a_provider_block_manages_the_jobs_of_its_region,
    an_excluded_job_is_not_interrupted,
    a_job_that_is_not_enabled_is_deleted,
    a_protected_job_must_stay_enabled,
    a_replacement_that_leaves_its_predecessor_running_is_warned_of,
    a_module_may_be_chosen_by_a_variable,
    a_state_with_the_identity_of_another_provider_is_taken_over_by_an_import,
}

/// With a block that only OpenTofu knows: `lifecycle`, with this argument.
fn with_lifecycle(job: Block, name: &str, expression: &str) -> Block {
    job.containing(Block::new("lifecycle").with(name, expression))
}

/// State and plan files are encrypted. `fallback` says how an older state is read.
fn encryption(fallback: &str) -> String {
    format!(
        r#"terraform {{
  encryption {{
    key_provider "pbkdf2" "it" {{
      passphrase = "correct-horse-battery-staple"
    }}
    method "aes_gcm" "it" {{
      keys = key_provider.pbkdf2.it
    }}
    method "unencrypted" "it" {{}}
    state {{
      method = method.aes_gcm.it
      {fallback}
    }}
    plan {{
      method = method.aes_gcm.it
    }}
  }}
}}
"#
    )
}

#[track_caller]
fn is_encrypted(world: &TestWorkspace, file: &str) {
    let bytes = std::fs::read(world.home().join(file)).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("encrypted_data"), "{text}");
    for plain in [AUTH_KEY_HASH, "job-it", "cluster-1"] {
        assert!(!text.contains(plain), "{file} holds {plain}: {text}");
    }
}

fn an_encrypted_state_keeps_all_that_the_provider_has_stored(world: &TestWorkspace) {
    world.set("ALICLOUD_REGION", "cn-shanghai");
    let job_id = Block::new(r#"output "job_id""#).with("value", &format!("{JOB}.job_id"));
    world.configure(format_args!(
        "{}{}{job_id}",
        encryption(""),
        Block::running_job("it")
    ));
    world.run(&["plan", "-json", "-out=saved"]).succeeded();
    is_encrypted(world, "saved");
    world.run(&["apply", "-json", "saved"]).succeeded();
    is_encrypted(world, "terraform.tfstate");
    let shown = world.run(&["output", "-raw", "job_id"]).succeeded();
    assert_eq!(shown.output, world.cloud.job().job_id);
    world.plan().is_empty();

    // Private data is kept too: where the job was found, and that it is not given up when it is missing elsewhere.
    world.cloud.delete();
    world.set("ALICLOUD_REGION", "cn-beijing");
    let error = world.plan_error();
    error.must_say(&["Job not found at this endpoint or account", "cn-shanghai"]);
    world.set("ALICLOUD_REGION", "cn-shanghai");
    assert_eq!(
        world.plan().drifted(),
        [(JOB.to_owned(), "delete".to_owned())]
    );
}

fn a_plain_state_becomes_an_encrypted_one(world: &TestWorkspace) {
    world.applied(Block::running_job("it"));
    let fallback = "fallback {\n method = method.unencrypted.it\n }";
    world.configure(format_args!(
        "{}{}",
        encryption(fallback),
        Block::running_job("it")
    ));
    world.plan().is_empty();
    world.apply().succeeded();
    is_encrypted(world, "terraform.tfstate");
    // From now on nothing else is accepted.
    world.configure(format_args!(
        "{}{}",
        encryption(""),
        Block::running_job("it")
    ));
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}

fn each_instance_of_a_provider_block_manages_the_jobs_of_its_region(world: &TestWorkspace) {
    let configure = |jobs: &str| {
        let provider = Block::provider()
            .text("alias", "by_region")
            .with("for_each", r#"toset(["cn-shanghai", "cn-beijing"])"#)
            .with("region", "each.key");
        let job = Block::job("it")
            .with("for_each", &format!("toset({jobs})"))
            .with("provider", "alicloud.by_region[each.key]")
            .with("name", r#""job-${each.key}""#)
            .with(
                "stream_output",
                r#""rtmp://push.example.com/live/${each.key}""#,
            );
        world.configure_all(format_args!("{provider}{job}"));
    };
    configure(r#"["cn-shanghai", "cn-beijing"]"#);
    world.apply().succeeded();
    world.plan().is_empty();
    configure(r#"["cn-beijing"]"#);
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "job-cn-beijing");

    let regions_of = |verb: &str| {
        let calls = world.cloud.calls_of(verb);
        let mut regions: Vec<String> = calls
            .iter()
            .map(|call| call.parameters["RegionId"].clone())
            .collect();
        regions.sort_unstable();
        regions
    };
    assert_eq!(regions_of("Create"), ["cn-beijing", "cn-shanghai"]);
    assert_eq!(regions_of("Delete"), ["cn-shanghai"]);
}

/// Runs a command without one job.
fn run_without(world: &TestWorkspace, command: &[&str], job: &str) -> Run {
    let exclude = format!("-exclude=alicloud_live_edge_transcode_job.{job}");
    world.run(&[command, &[exclude.as_str()]].concat())
}

fn an_excluded_job_is_not_interrupted(world: &TestWorkspace) {
    let jobs = || {
        format!(
            "{}{}",
            Block::running_job("it"),
            Block::running_job("other")
        )
    };
    world.applied(jobs());
    let template = |name: &str| {
        let jobs = world.cloud.jobs();
        let job = jobs.into_iter().find(|job| job.name == name).unwrap();
        job.template_id
    };

    world.configure(jobs().replace("tpl-h264-720p", "tpl-h265-1080p"));
    let planned = run_without(world, PLAN, "other");
    assert_eq!(planned.planned(), [(JOB.to_owned(), "update".to_owned())]);
    run_without(world, APPLY, "other").succeeded();
    assert_eq!(template("job-it"), "tpl-h265-1080p");
    assert_eq!(template("job-other"), "tpl-h264-720p");
    let changes = world.cloud.changes();
    assert_eq!(changes[changes.len() - 3..], ["Stop", "Update", "Start"]);

    run_without(world, DESTROY, "other").succeeded();
    assert_eq!(world.cloud.job().name, "job-other");
    assert!(world.cloud.is_running());
}

fn a_job_that_is_not_enabled_is_deleted(world: &TestWorkspace) {
    let job = with_lifecycle(Block::running_job("it"), "enabled", "var.enabled");
    let variable = Block::new(r#"variable "enabled""#).with("default", "true");
    let id =
        Block::new(r#"output "id""#).with("value", &format!("{JOB} == null ? null : {JOB}.id"));
    world.applied(format_args!("{job}{variable}{id}"));
    assert_eq!(world.output("id"), world.state(JOB)["id"]);

    let disabled = world
        .run(&[APPLY, &["-var=enabled=false"]].concat())
        .succeeded();
    let warnings = disabled.diagnostics(Severity::Warning);
    let of_deletion = |warning: &Diagnostic| warning.says("A running job will be deleted");
    assert!(warnings.iter().any(of_deletion), "{disabled}");
    assert_eq!(world.cloud.jobs().len(), 0);
    assert_eq!(world.output("id"), Value::Null);
    world.apply().succeeded();
    assert!(world.cloud.is_running());
}

fn a_protected_job_must_stay_enabled(world: &TestWorkspace) {
    let job = |enabled: &str| {
        let protected = Block::running_job("it").with("deletion_protection", "true");
        with_lifecycle(protected, "enabled", enabled)
    };
    world.applied(job("true"));
    world.configure(job("false"));
    world.plan_error().must_say(&["deletion_protection"]);
    assert!(world.cloud.is_running());
}

/// With `destroy = false` a replacement forgets the old job, which goes on writing the stream of the new one. The provider
/// learns of that only when the old job has not been deleted.
fn a_replacement_that_leaves_its_predecessor_running_is_warned_of(world: &TestWorkspace) {
    world.applied(with_lifecycle(Block::running_job("it"), "destroy", "false"));
    let job = world.cloud.job();
    let replace = format!("-replace={JOB}");
    let planned = world.run(&[PLAN, &[replace.as_str()]].concat());
    planned.must_print("1 to forget");
    let applied = world
        .run(&[APPLY, &[replace.as_str()]].concat())
        .succeeded();
    applied.warning().must_say(&[
        "A running job writes the same output stream",
        &job.job_id,
        "both jobs will exist",
    ]);
    assert_eq!(world.cloud.jobs().len(), 2);
}

/// OpenTofu evaluates variables and locals that are known early in a module's source.
fn a_module_may_be_chosen_by_a_variable(world: &TestWorkspace) {
    world.configure_as_in("examples/modules");
    let ladder = Block::new(r#"module "ladder""#)
        .with("source", "local.source")
        .text("cluster_id", "cluster-1")
        .text("name", "camera")
        .text("stream_input", "rtmp://pull.example.com/live/camera")
        .text("output_prefix", "rtmp://push.example.com/live")
        .with("renditions", r#"{ "720p" = "tpl-h264-720p" }"#);
    let variable = Block::new(r#"variable "module""#).text("default", "rendition-ladder");
    let source = Block::new("locals").with("source", r#""./${var.module}""#);
    world.configure(format_args!("{ladder}{variable}{source}"));
    world.run(&["get"]).succeeded();
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "camera-720p");
    world.plan().is_empty();
}

/// OpenTofu 1.12.6 moves the state and keeps the identity of the other provider, which does not fit our schema. Forgetting
/// the job there and importing it here comes to the same.
fn a_state_with_the_identity_of_another_provider_is_taken_over_by_an_import(world: &TestWorkspace) {
    a_foreign_state_with_identity(world);
    configure_move(world);
    world.plan().failed();

    world.run(&["state", "rm", OLD]).succeeded();
    let job_id = world.cloud.job().job_id;
    let import = Block::new("import")
        .with("to", JOB)
        .text("id", &format!("cluster-1:{job_id}"));
    let applied = world.applied(format_args!("{}{import}", Block::running_job("it")));
    applied.must_print("1 imported, 0 added, 0 changed, 0 destroyed");
    assert_eq!(
        world.identity(JOB),
        json!({ "cluster_id": "cluster-1", "job_id": job_id })
    );
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Create", "Start"]);
}
